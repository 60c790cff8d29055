// The share sheet and the opt-out of an event page. Page views, opened links and the form's hidden fields are the
// SDK's work (static/webapi/meeteasy.js). Without this script the page still informs and registers.
"use strict";

(function () {
  const sheet = document.querySelector("[data-share]");
  const status = sheet.querySelector("[data-status]");
  const address = document.querySelector("link[rel=canonical]").href;
  const title = document.title;
  // Where the browser blocks the SDK, links are passed on without a code.
  const meeteasy = window.meeteasy ?? {
    createShareLink: ({ target }) => target,
    share: ({ target, title }) => navigator.share({ url: target, title }).catch(() => {}),
    optOut: () => localStorage.setItem("meeteasy:optout", "1"),
  };

  // The link to show before it is passed on: it counts as shared once somebody opens it.
  const show = (channel) => meeteasy.createShareLink({ channel, target: address, minted: true });
  // The link that is passed on now.
  const pass = (channel) => meeteasy.createShareLink({ channel, target: address });

  function fill() {
    sheet.querySelector("[data-link]").value = show("link");
    const code = new URL(show("qr")).searchParams.get("_s");
    const picture = sheet.querySelector("[data-qr]");
    picture.src = picture.dataset.qr + (code ? `?_s=${encodeURIComponent(code)}` : "");
  }

  function unfold(element) {
    if (element) element.hidden = false;
  }

  async function copy(event) {
    const field = sheet.querySelector("[data-link]");
    field.value = pass("link");
    try {
      await navigator.clipboard.writeText(field.value);
    } catch { // not allowed in this browser
      field.select();
      document.execCommand("copy");
    }
    status.textContent = event.target.dataset.done;
  }

  function go(event) {
    const link = event.target;
    const values = { url: encodeURIComponent(pass(link.dataset.channel)), text: encodeURIComponent(title) };
    link.href = link.dataset.target.replace(/\{(url|text)\}/g, (_match, name) => values[name]);
  }

  const isWeChat = /MicroMessenger/i.test(navigator.userAgent);
  sheet.addEventListener("toggle", fill);
  if (!("popover" in HTMLElement.prototype)) fill();
  const copying = sheet.querySelector("[data-copy]");
  copying.addEventListener("click", copy);
  unfold(copying);
  unfold(sheet.querySelector("[data-channels]"));
  if (isWeChat) unfold(sheet.querySelector("[data-wechat]"));
  for (const link of sheet.querySelectorAll("[data-channel]")) {
    link.href = link.dataset.target.replace("{url}", encodeURIComponent(address)).replace("{text}", encodeURIComponent(title));
    link.addEventListener("click", go);
  }
  if (navigator.share) {
    const button = sheet.querySelector("[data-system-share]");
    unfold(button);
    button.addEventListener("click", () => meeteasy.share({ target: address, title }));
  }

  const out = document.querySelector("[data-opt-out]");
  unfold(out);
  out.addEventListener("click", () => {
    meeteasy.optOut();
    out.textContent = out.dataset.done;
    out.disabled = true;
  });
})();
