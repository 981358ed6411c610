// What lies over a page: the drawer of the menu on small screens, dialogs, menus that drop down, definitions, toasts.
"use strict";

(() => {
  const root = document.documentElement;
  const menu = document.getElementById("menu");
  const burger = document.querySelector("[data-menu]");

  const setMenu = (isOpen) => {
    root.classList.toggle("menu-open", isOpen);
    burger?.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) menu.querySelector("[data-menu-shuts]").focus();
    else if (menu?.contains(document.activeElement)) burger.focus();
  };

  // One surface shows every definition: in the browser's top layer, so that nothing cuts it off.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.popover = "manual";
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  const showTip = (owner) => {
    const text = document.getElementById(owner.getAttribute("aria-describedby"));
    if (!text) return;
    tip.textContent = text.textContent;
    tip.showPopover();
    const place = owner.getBoundingClientRect();
    const below = place.bottom + 8 + tip.offsetHeight < window.innerHeight;
    tip.style.top = `${below ? place.bottom + 8 : Math.max(8, place.top - 8 - tip.offsetHeight)}px`;
    tip.style.left = `${Math.max(16, Math.min(place.left, window.innerWidth - tip.offsetWidth - 16))}px`;
  };
  const hideTip = () => tip.matches(":popover-open") && tip.hidePopover();
  const owns = (event) => event.target instanceof Element && event.target.closest("[data-tip]");
  for (const name of ["pointerover", "focusin"]) {
    document.addEventListener(name, (event) => (owns(event) ? showTip(owns(event)) : hideTip()));
  }
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    const opener = on("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    if (on("[data-closes]")) on("dialog")?.close();
    if (event.target.matches("dialog")) event.target.close(); // a click beside it
    if (on("[data-dismisses]")) on("[data-toast]").remove();
    if (on("[data-menu]")) setMenu(!root.classList.contains("menu-open"));
    if (on("[data-menu-shuts]") || on("[data-menu-veil]")) setMenu(false);
    for (const drop of document.querySelectorAll("details.drop[open]")) {
      if (!drop.contains(event.target)) drop.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hideTip();
    if (root.classList.contains("menu-open")) setMenu(false);
    for (const drop of document.querySelectorAll("details.drop[open]")) {
      drop.open = false;
      drop.querySelector("summary").focus();
    }
  });
})();
