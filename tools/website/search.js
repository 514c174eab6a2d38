// Looks through a list of sections that is loaded when somebody begins to search.
const here = document.currentScript;
const form = document.querySelector("form[role=search]");
const input = document.getElementById("search");
const found = document.getElementById("found");
const root = here.dataset.root;
const most = 25;
let sections = null;

window.dmcoreSearch = (list) => {
  sections = list.map((row) => ({ row, text: row.join(" ").toLowerCase() }));
  show();
};

function load() {
  if (document.querySelector("script[data-index]")) return;
  const script = document.createElement("script");
  script.src = `${root}search-index.js`;
  script.dataset.index = "";
  document.head.append(script);
}

function worth({ row, text }, words) {
  if (!words.every((word) => text.includes(word))) return 0;
  const [title, , heading] = row.map((part) => part.toLowerCase());
  return words.reduce(
    (sum, word) => sum + 1 + (heading.includes(word) ? 6 : 0) + (title.includes(word) ? 3 : 0),
    title.startsWith("0") ? -1 : 0,
  );
}

function excerpt(text, word) {
  const at = Math.max(0, text.toLowerCase().indexOf(word) - 60);
  return (at ? "… " : "") + text.slice(at, at + 180) + (text.length > at + 180 ? " …" : "");
}

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  if (!words.length || !sections) return;
  const best = sections
    .map((section) => ({ row: section.row, worth: worth(section, words) }))
    .filter((section) => section.worth > 0)
    .sort((one, other) => other.worth - one.worth)
    .slice(0, most);
  const count = document.createElement("p");
  count.textContent = best.length === most ? `The first ${most}` : `Found: ${best.length}`;
  const list = document.createElement("ul");
  for (const { row: [title, address, heading, text] } of best) {
    const link = document.createElement("a");
    link.href = root + address;
    link.textContent = heading === title ? title : `${title}: ${heading}`;
    const words_around = document.createElement("p");
    words_around.textContent = excerpt(text, words[0]);
    const item = document.createElement("li");
    item.append(link, words_around);
    list.append(item);
  }
  found.append(count, list);
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("focus", load);
input.addEventListener("input", show);
found.addEventListener("click", (event) => {
  if (event.target.closest("a")) {
    input.value = "";
    show();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea)$/i.test(document.activeElement.tagName)) {
    event.preventDefault();
    input.focus();
  }
});
