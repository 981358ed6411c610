// The content editor: shows the chosen variant, and posts the form into the preview's frame whenever something changed.
"use strict";
(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const refresh = document.getElementById("refresh");
  const frame = form.querySelector("iframe.preview");
  let waiting = 0;

  const show = () => {
    const shown = form.elements.shown.value;
    for (const each of form.querySelectorAll("[data-variant]")) each.hidden = each.dataset.variant !== shown;
    frame.classList.toggle("narrow", form.elements.view.value === "narrow");
  };
  const soon = (milliseconds) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => form.requestSubmit(refresh), milliseconds);
  };
  form.addEventListener("change", () => { show(); soon(150); });
  form.addEventListener("input", () => soon(600));
  show();
  soon(0);
})();
