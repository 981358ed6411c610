// A drawing that is wider than its frame opens with its first step in the middle.
"use strict";

(() => {
  const centre = () => {
    for (const drawing of document.querySelectorAll(".drawing:not([data-centred])")) {
      const step = drawing.querySelector(".step");
      if (!step) continue;
      const [frame, first] = [drawing.getBoundingClientRect(), step.getBoundingClientRect()];
      drawing.scrollLeft += first.left + first.width / 2 - frame.left - frame.width / 2;
      drawing.dataset.centred = "";
    }
  };
  centre();
  document.addEventListener("htmx:after:swap", centre);
})();
