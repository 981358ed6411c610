// The content editor: variables and filters are proposed while one types between braces, taken by keys, mouse or touch.
"use strict";
(() => {
  const list = document.getElementById("liquid");
  if (!list) return;
  const count = document.getElementById("liquid-count");
  const button = document.getElementById("liquid-button").content.firstElementChild;
  const options = [...list.children];
  const NAMES = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
  let field = null; // where the list is open
  let place = null; // what is written there, as read() says
  let shut = -1; // the braces for which somebody closed the list
  let begun = -1; // the braces that the button wrote

  // What stands before the cursor: which braces it is in, where the name begins, and whether a filter is meant. Null outside of braces.
  const read = (owner) => {
    const text = owner.value.slice(0, owner.selectionEnd);
    const braces = Math.max(text.lastIndexOf("{{"), text.lastIndexOf("{%"));
    const inner = text.slice(braces + 2);
    if (braces < 0 || owner.selectionStart !== owner.selectionEnd || /[%}]}/.test(inner)) return null;
    if (inner.replace(/"[^"]*"|'[^']*'/g, "").match(/["']/)) return null; // inside of a quoted text
    const isTag = text[braces + 1] === "%";
    const piece = inner.slice(inner.lastIndexOf("|") + 1);
    const isPiped = piece.length < inner.length;
    const filter = isPiped && /^\s*(\w*)$/.exec(piece);
    const variable = isPiped ? /[:,]\s*([\w.]+)$/.exec(piece) : (isTag ? /^-?\s*\w.*[\s=<>]([\w.]+)$/s : /^-?\s*([\w.]*)$/).exec(piece);
    const found = filter || variable;
    return found && { braces, isTag, isFilter: Boolean(filter), term: found[1], from: text.length - found[1].length };
  };

  const fits = (option, { term, isFilter }) => {
    if (isFilter !== "filter" in option.dataset) return false;
    const [name, word] = [...option.children].map((each) => each.textContent.toLowerCase());
    const wanted = term.toLowerCase();
    return [name, ...name.split(/[._]/)].some((each) => each.startsWith(wanted)) || name.includes(`.${wanted}`) ||
      (wanted.length > 2 && word.split(/[\s-]/).some((each) => each.startsWith(wanted)));
  };

  const shown = () => options.filter((option) => !option.hidden);
  const choose = (option) => {
    for (const each of options) each.setAttribute("aria-selected", String(each === option));
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  // Where the name begins, in a field of several lines: the same text in a box of the same shape.
  const line = () => {
    const box = field.getBoundingClientRect();
    if (field.localName !== "textarea") return { left: box.left, top: box.top, bottom: box.bottom };
    const mirror = document.createElement("div");
    const mark = document.createElement("span");
    const style = getComputedStyle(field);
    for (const name of ["font", "letterSpacing", "lineHeight", "padding", "borderWidth", "borderStyle", "boxSizing", "tabSize"]) mirror.style[name] = style[name];
    Object.assign(mirror.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: `${box.width}px` });
    mark.textContent = ".";
    mirror.append(field.value.slice(0, place.from), mark);
    document.body.append(mirror);
    const top = box.top + mark.offsetTop - field.scrollTop;
    const found = { left: box.left + mark.offsetLeft, top, bottom: top + mark.offsetHeight };
    mirror.remove();
    return found;
  };
  const put = () => {
    if (!field) return;
    const at = line();
    const isBelow = at.bottom + 4 + list.offsetHeight < window.innerHeight || at.top < list.offsetHeight + 12;
    list.style.top = `${isBelow ? at.bottom + 4 : at.top - 4 - list.offsetHeight}px`;
    list.style.left = `${Math.max(16, Math.min(at.left, window.innerWidth - list.offsetWidth - 16))}px`;
  };

  const close = () => {
    if (!field) return;
    const owner = field;
    field = null;
    list.hidePopover();
    owner.removeAttribute("aria-activedescendant");
    owner.setAttribute("aria-expanded", "false");
    // Without a list, a field of several lines is what it was: HTML knows no combobox of several lines.
    if (owner.localName === "textarea") for (const name of Object.keys(NAMES)) owner.removeAttribute(name);
    count.textContent = "";
    if (begun >= 0 && owner.value.slice(begun, owner.selectionEnd) === "{{ ") {
      owner.setRangeText("", begun, begun + 3, "end");
      owner.dispatchEvent(new Event("input", { bubbles: true }));
    }
    begun = -1;
  };
  const open = (owner) => {
    if (field && field !== owner) close();
    place = read(owner);
    if (!place) shut = -1;
    const found = place && place.braces !== shut ? options.filter((option) => fits(option, place)) : [];
    if (!found.length || (found.length === 1 && found[0].dataset.inserts === place.term)) return close();
    for (const option of options) option.hidden = !found.includes(option);
    if (!field) {
      field = owner;
      for (const [name, value] of Object.entries(NAMES)) owner.setAttribute(name, value);
      owner.setAttribute("aria-expanded", "true");
      list.showPopover();
    }
    count.textContent = `${count.dataset.words} ${found.length}`;
    put();
    choose(found[0]);
  };

  // As if typed, so that the browser can take it back.
  const write = (owner, text) => {
    if (document.execCommand("insertText", false, text)) return;
    owner.setRangeText(text, owner.selectionStart, owner.selectionEnd, "end");
    owner.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const take = (option) => {
    const [owner, { braces, isTag, from }, text] = [field, place, option.dataset.inserts];
    const behind = owner.value.slice(owner.selectionEnd);
    const isClosed = isTag || /^[^{}\n]*}}/.test(behind);
    const gap = from === braces + 2 ? " " : "";
    begun = -1;
    shut = braces;
    close();
    owner.setSelectionRange(from, owner.selectionEnd + /^[\w.]*/.exec(behind)[0].length);
    write(owner, `${gap}${text}${isClosed ? "" : " }}"}`);
    const quotes = text.indexOf('""');
    if (quotes >= 0) owner.setSelectionRange(from + gap.length + quotes + 1, from + gap.length + quotes + 1);
  };

  const fields = document.querySelectorAll("[data-liquid]");
  for (const owner of fields) {
    if (owner.localName === "input") for (const [name, value] of Object.entries(NAMES)) owner.setAttribute(name, value);
    owner.autocomplete = "off";
    const own = button.cloneNode(true);
    own.querySelector(".unseen").append(`: ${owner.labels[0]?.firstChild.textContent ?? owner.getAttribute("aria-label")}`);
    (owner.closest(".field") ?? owner.closest(".block").querySelector(".block-tools")).append(own);
    own.addEventListener("mousedown", (event) => event.preventDefault()); // the cursor stays where it is
    own.addEventListener("click", () => {
      close();
      owner.focus();
      if (!read(owner)) {
        const at = owner.selectionStart;
        write(owner, "{{ ");
        begun = at;
      }
      shut = -1;
      open(owner);
    });
    owner.addEventListener("input", () => open(owner));
    owner.addEventListener("blur", close);
    owner.addEventListener("keydown", (event) => {
      if (field !== owner || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const all = shown();
      const here = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(all[(here + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
      else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) take(all[here]);
      else if (event.key === "Escape") {
        shut = place.braces;
        close();
      } else return;
      event.preventDefault();
    });
  }
  document.addEventListener("selectionchange", () => {
    if (field && (read(field)?.braces !== place.braces || read(field).from !== place.from)) close();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && field) take(option);
  });
  document.addEventListener("scroll", (event) => event.target !== list && put(), { passive: true, capture: true });
  window.addEventListener("resize", put);
})();
