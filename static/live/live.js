// The live screen: docs/live.md describes the messages and what a client does with them.
"use strict";

(function () {
  const SILENT_MS = 40000; // two heartbeats were missed
  const RETRY_MS = [1000, 2000, 5000, 10000, 20000];
  const MAX_ALERTS = 50;
  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = { registration: "people", checkin: "scan", share: "branch" };

  const main = document.getElementById("live");
  const list = document.getElementById("alerts");
  const status = document.getElementById("status");
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language);
  // As the console's pages write them (console/formats.py): 30 Nov, 19:16; 11月30日 19:16.
  const locale = language === "en" ? "en-GB" : language;
  const separator = language === "en" ? ", " : " ";
  const formatClock = (timeZone) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const formatDay = (timeZone) => new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone });

  let socket = null;
  let seq = 0; // of the last message that was shown
  let asked = false; // for a resync that has not been answered
  let retries = 0;
  let watchdog = 0;
  let clock = formatClock();
  let calendar = formatDay();

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const id = encodeURIComponent(main.dataset.conference);
    socket = new WebSocket(`${scheme}//${location.host}/ws/conferences/${id}/live`);
    socket.onmessage = (event) => read(JSON.parse(event.data));
    socket.onclose = (event) => end(event.code);
    listen();
  }

  function listen() {
    clearTimeout(watchdog);
    // A connection may die without a word; close() then takes its time, so do not wait for it.
    watchdog = setTimeout(() => { const old = socket; old.onclose = old.onmessage = null; old.close(); end(0); }, SILENT_MS);
  }

  function end(code) {
    clearTimeout(watchdog);
    if (code === 4401) return show("signedOut");
    if (code === 4403) return show("removed");
    show("lost");
    const wait = RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)];
    setTimeout(connect, wait * (0.5 + Math.random())); // not all at once after a restart of the server
  }

  function show(state) {
    if (status.dataset.state === state) return; // or a screen reader would say it with every heartbeat
    status.dataset.state = state;
    status.textContent = status.dataset[state];
  }

  function read(message) {
    listen();
    if (message.type === "snapshot") {
      seq = message.seq;
      asked = false;
      retries = 0;
      clock = formatClock(message.conference.time_zone);
      calendar = formatDay(message.conference.time_zone);
      list.replaceChildren();
      update("attendance", message.attendance);
      update("today", message.today);
      message.alerts.reverse().forEach((alert) => tell(alert));
      show("live");
    } else if (message.type === "heartbeat") {
      show(message.behind ? "behind" : "live");
      if (message.last_seq > seq) resync();
    } else if (message.seq === seq + 1) {
      seq = message.seq;
      asked = false;
      if (message.attendance) update("attendance", message.attendance);
      if (message.type === "pv") update("today", message);
      else tell(message);
    } else if (message.seq > seq) {
      resync();
    }
  }

  function resync() {
    if (asked) return;
    asked = true;
    socket.send(JSON.stringify({ type: "resync", since: seq }));
  }

  function update(group, figures) {
    for (const element of document.querySelectorAll(`[data-figure^="${group}."]`)) {
      element.textContent = number.format(figures[element.dataset.figure.slice(group.length + 1)]);
    }
    if (group === "attendance") main.querySelector("progress").value = figures.percentage;
  }

  function tell(message) {
    const text = list.dataset[wording(message)];
    if (!text) return; // of a newer server
    const facts = { more: message.more && number.format(message.more), ...message[message.type] };
    const item = document.createElement("li");
    item.className = message.type;
    const time = document.createElement("time");
    if (message.at) {
      time.dateTime = message.at;
      const at = new Date(message.at), day = calendar.format(at);
      // A time alone means today.
      time.textContent = (day === calendar.format(new Date()) ? "" : day + separator) + clock.format(at);
    }
    item.append(time, drawIcon(message.type), phrase(text, facts));
    list.prepend(item);
    while (list.children.length > MAX_ALERTS) list.lastChild.remove();
  }

  function drawIcon(type) {
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    icon.appendChild(document.createElementNS(SVG, "use")).setAttribute("href", `${list.dataset.icons}#${ICONS[type]}`);
    return icon;
  }

  // The words with their facts; whose news it is stands out.
  function phrase(text, facts) {
    const words = document.createElement("span");
    for (const part of text.split(/(\{\w+\})/)) {
      const name = part.startsWith("{") ? part.slice(1, -1) : "";
      const holder = name === "name" ? words.appendChild(document.createElement("b")) : words;
      holder.append(name ? facts[name] ?? "" : part);
    }
    return words;
  }

  // The name of the data attribute that has the words for a message.
  function wording(message) {
    const fact = message[message.type];
    if (!fact) return `${message.type}More`;
    if (message.type === "registration") {
      if (fact.new) return fact.state === "pending" ? "registeredPending" : "registered";
      return "registration" + fact.state[0].toUpperCase() + fact.state.slice(1);
    }
    if (message.type === "checkin") return fact.undone ? "checkinUndone" : fact.gate ? "checkinGate" : "checkin";
    if (message.type === "share") return fact.channel ? "shareChannel" : "share";
    return ""; // not of this screen
  }

  connect();
})();
