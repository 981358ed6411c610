// The command palette: Ctrl-K opens it, arrows choose, Enter goes there.
"use strict";

(() => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const field = palette.querySelector("input");
  const list = document.getElementById("palette-found");

  const open = () => {
    if (palette.open) return;
    palette.showModal();
    field.select();
    field.dispatchEvent(new Event("palette"));
  };
  const choose = (option) => {
    for (const each of list.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) open();
  });
  document.addEventListener("htmx:after:swap", () => palette.open && choose(list.querySelector("[role=option]")));
  field.addEventListener("keydown", (event) => {
    const options = [...list.querySelectorAll("[role=option]")];
    const here = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(options[(here + step + options.length) % options.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      options[here]?.click();
    }
  });
})();
