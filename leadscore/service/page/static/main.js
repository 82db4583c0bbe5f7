// The page: loads the card, shows one of three views, asks for a key where the service wants one.

import { Model } from "./card.js";
import { h, show } from "./dom.js";
import { FileView } from "./file.js";
import { LeadView } from "./lead.js";
import { ModelView } from "./model.js";
import { loadCard, onKeyNeeded } from "./service.js";

const VIEWS = ["file", "lead", "model"];

onKeyNeeded((refused) => {
  const dialog = document.getElementById("key");
  const field = document.getElementById("key-value");
  document.getElementById("key-wrong").textContent = refused ? "The service does not accept this key." : "";
  field.value = "";
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(field.value), { once: true });
  });
});

async function start() {
  const loading = document.getElementById("loading");
  const failed = document.getElementById("failed");
  failed.hidden = true;
  loading.hidden = false;
  try {
    const model = new Model(await loadCard());
    document.getElementById("version").textContent = `Model ${model.card.version}`;
    const views = {
      file: new FileView(element("file"), model),
      lead: new LeadView(element("lead"), model),
      model: new ModelView(element("model"), model),
    };
    window.addEventListener("hashchange", () => open(views));
    open(views);
  } catch (error) {
    show(
      failed,
      h("h1", {}, "The model could not be loaded"),
      h("p", {}, error.message),
      h("button", { class: "main", onclick: start }, "Try again"),
    );
  } finally {
    loading.hidden = true;
  }
}

const element = (name) => document.getElementById(`view-${name}`);

/** Show the view the address names. What follows its name, as in #lead?city=Pune, never leaves the browser. */
function open(views) {
  const [asked, rest] = location.hash.slice(1).split("?");
  if (asked === "main") return;
  const name = VIEWS.includes(asked) ? asked : "file";
  for (const other of VIEWS) {
    element(other).hidden = other !== name;
    const link = document.querySelector(`nav a[href="#${other}"]`);
    if (other === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${document.querySelector(`nav a[href="#${name}"]`).textContent} · Lead conversion`;
  views[name].open(rest);
}

start();
