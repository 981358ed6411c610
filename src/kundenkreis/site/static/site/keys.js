// Hands on the keyboard: "/" searches, j and k walk a list, Escape leaves a field or goes back to the list.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const active = document.activeElement;
  if (active.closest("[data-own-keys], dialog")) return; // canvas, palette and dialogs know better
  if (active.matches("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") active.blur();
    return;
  }
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.select();
    search.focus();
  } else if (event.key === "j" || event.key === "k") {
    // One stop per row: a table's row, or a list's item.
    const rows = [...document.querySelectorAll("[data-list] tbody tr, [data-list] > li")];
    const stops = rows.map((row) => row.querySelector("a")).filter(Boolean);
    const here = rows.filter((row) => row.querySelector("a")).findIndex((row) => row.contains(active));
    const place = here + (event.key === "j" ? 1 : -1);
    stops[Math.max(0, Math.min(place, stops.length - 1))]?.focus();
  } else if (event.key === "Escape" && !document.querySelector(".menu-open, details.drop[open]")) {
    document.querySelector("[data-back]")?.click();
  }
});
