// Choosing people in the list: the box above all rows, a stretch with Shift, x on the row one stands on, and how many are chosen.
"use strict";

(() => {
  const boxes = () => [...document.querySelectorAll("#found input[name=pick]")];
  let last = null;

  const tell = () => {
    const all = boxes();
    const chosen = all.filter((box) => box.checked).length;
    const above = document.querySelector("#found [data-pick-all]");
    if (above) {
      above.checked = chosen > 0 && chosen === all.length;
      above.indeterminate = chosen > 0 && chosen < all.length;
    }
    for (const told of document.querySelectorAll("#found [data-picked]")) {
      told.textContent = chosen.toLocaleString(document.documentElement.lang);
    }
  };

  const clear = () => {
    for (const box of boxes()) box.checked = false;
    const everybody = document.querySelector("#found input[name=everybody]");
    if (everybody) everybody.checked = false;
    tell();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-pick-none]")) {
      clear();
      return;
    }
    if (!event.target.matches("input[name=pick]")) return;
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((one, other) => one - other);
    if (event.shiftKey && from >= 0) for (const box of all.slice(from, to + 1)) box.checked = event.target.checked;
    last = event.target;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches("#found input")) tell();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    const box = event.target.closest("tr")?.querySelector("input[name=pick]");
    if (!box) return;
    box.checked = !box.checked;
    tell();
  });
  // The browser keeps boxes when one comes back to the page.
  tell();
  window.addEventListener("pageshow", tell);
  document.addEventListener("htmx:after:swap", tell);
})();
