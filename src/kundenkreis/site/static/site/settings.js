// The brand's form: posts itself into the sample mail's frame whenever something changed.
"use strict";
(() => {
  const form = document.querySelector("form[data-live-preview]");
  if (!form) return;
  const refresh = document.getElementById("refresh");
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => form.requestSubmit(refresh), 500);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
})();
