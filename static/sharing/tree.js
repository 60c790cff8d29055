// A level of the tree is fetched when it is opened for the first time; "More" gives way to what it fetched.
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
      const fetched = document.createElement("template");
      fetched.innerHTML = await answer.text();
      if ("more" in details.dataset) {
        details.closest("li").replaceWith(...fetched.content.querySelector("ul").children);
      } else {
        details.append(fetched.content);
      }
    } catch {
      details.dataset.level = address; // opening it again tries again
      details.open = false;
    }
  },
  true, // toggle does not bubble
);
