// What the console's pages need of scripts: the keyboard of the tree and of the search, ticking all of a list, copying.
// Everything works without them; links and forms are real ones.
"use strict";

(function () {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !typing) {
      const field = document.querySelector("main input[type=search]");
      field?.closest("[popover]")?.showPopover();
      if (field) { field.focus(); event.preventDefault(); }
      return;
    }
    const row = event.target.closest('[role="treegrid"] [role="row"]');
    if (row && !typing) move(event, row);
  });

  // The keys of a treegrid (WAI-ARIA Authoring Practices): arrows move and open, Enter follows the name.
  function move(event, row) {
    const rows = [...row.parentElement.querySelectorAll('[role="row"][aria-level]')];
    const place = rows.indexOf(row);
    const level = Number(row.getAttribute("aria-level"));
    const toggle = row.querySelector(".toggle");
    const open = row.getAttribute("aria-expanded");
    let target = null;
    switch (event.key) {
      case "ArrowDown": target = rows[place + 1]; break;
      case "ArrowUp": target = rows[place - 1]; break;
      case "Home": target = rows[0]; break;
      case "End": target = rows[rows.length - 1]; break;
      case "ArrowRight":
        if (open === "false") toggle.click();
        else if (open === "true") target = rows[place + 1];
        break;
      case "ArrowLeft":
        if (open === "true") toggle.click();
        else target = rows.slice(0, place).reverse().find((other) => Number(other.getAttribute("aria-level")) < level);
        break;
      case "Enter":
        if (event.target !== row) return;
        row.querySelector("a:not(.toggle)")?.click();
        break;
      default: return;
    }
    event.preventDefault();
    if (target) focus(rows, target);
  }

  function focus(rows, target) {
    for (const row of rows) row.tabIndex = row === target ? 0 : -1;
    target.focus();
  }

  // Lists with boxes to tick: all at once, and how many are.
  function showPicked() {
    for (const form of document.querySelectorAll("form:has([data-pick-count])")) {
      const all = form.querySelector("[data-pick-all]");
      if (all) all.hidden = false;
      const count = form.querySelectorAll("tbody .pick input:checked").length;
      form.querySelector("[data-pick-count]").textContent = count || "";
    }
  }
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (event.target.closest("[data-pick-all]")) {
      for (const box of form.querySelectorAll("tbody .pick input")) box.checked = event.target.checked;
    }
    showPicked();
  });
  document.addEventListener("DOMContentLoaded", showPicked);

  // A tree that came anew keeps the place of the one before.
  let kept = null;
  document.addEventListener("htmx:before:request", () => { kept = document.activeElement?.closest("[role=row]")?.id || null; });
  document.addEventListener("htmx:after:swap", () => {
    const row = kept && document.getElementById(kept);
    if (row && !row.contains(document.activeElement)) focus([...row.parentElement.querySelectorAll('[role="row"][aria-level]')], row);
  });

  // Copying needs a script, so its button shows itself only with one.
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).value);
      button.textContent = button.dataset.done;
    });
  }
})();
