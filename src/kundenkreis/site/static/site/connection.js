// Says when the server cannot be reached, asks again every few seconds, and lets the page go on where it was.
// Whatever wants to be fresh afterwards listens for "reconnected" on the document: hx-trigger="..., reconnected from:document".
"use strict";

(() => {
  const banner = document.getElementById("connection");
  const EVERY_MS = 3000;
  let isLost = false;

  const isReachable = () =>
    fetch(banner.dataset.alive, { method: "HEAD", cache: "no-store" }).then(
      (response) => response.ok,
      () => false,
    );
  const ask = async () => {
    if (await isReachable()) {
      isLost = false;
      banner.hidden = true;
      document.dispatchEvent(new Event("reconnected"));
    } else {
      banner.hidden = false;
      setTimeout(ask, EVERY_MS);
    }
  };
  const lost = () => {
    if (isLost) return;
    isLost = true;
    ask();
  };

  addEventListener("offline", lost);
  // A request that got no answer at all; one that was given up on purpose is none of it.
  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.error?.name !== "AbortError") lost();
  });
})();
