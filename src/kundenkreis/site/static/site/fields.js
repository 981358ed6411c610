// What is wrong with a field is said until somebody works on it; the server says anew what is still wrong.
"use strict";

(() => {
  const heard = ({ target }) => {
    const field = target instanceof Element && target.closest("[aria-invalid]");
    if (!field) return;
    field.removeAttribute("aria-invalid");
    for (const id of (field.getAttribute("aria-describedby") ?? "").split(" ")) {
      if (id.startsWith("error-")) document.getElementById(id)?.remove();
    }
  };
  document.addEventListener("input", heard);
  document.addEventListener("change", heard);
})();
