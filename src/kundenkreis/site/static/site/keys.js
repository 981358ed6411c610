// Hands on the keyboard: "/" searches, j and k walk a list, Escape leaves a field or goes back to the list.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const active = document.activeElement;
  if (active.matches("input, textarea, select")) {
    if (event.key === "Escape") active.blur();
    return;
  }
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.select();
    search.focus();
  } else if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll("[data-list] a")];
    const place = links.indexOf(active) + (event.key === "j" ? 1 : -1);
    links[Math.max(0, Math.min(place, links.length - 1))]?.focus();
  } else if (event.key === "Escape") {
    document.querySelector("[data-back]")?.click();
  }
});
