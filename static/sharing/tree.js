// A level of the tree is fetched when it is opened for the first time.
"use strict";
document.getElementById("share-tree").addEventListener(
  "toggle",
  async (event) => {
    const details = event.target;
    const address = details.dataset.level;
    if (!details.open || !address) return;
    delete details.dataset.level;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      details.insertAdjacentHTML("beforeend", await answer.text());
    } catch {
      details.dataset.level = address; // opening it again tries again
      details.open = false;
    }
  },
  true, // toggle does not bubble
);
