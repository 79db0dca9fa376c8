// A grid of molecules: a click selects one. Texts are set as text, never as markup.
export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".shelf");
  const selected = new Set(data.selected);
  root.replaceChildren(...data.cards.map((card) => cardOf(card, selected, () => setStateValue("selected", [...selected]))));
  root.classList.toggle("still", !data.selectable);
}

function cardOf(card, selected, tell) {
  const box = part("div", "card");
  box.dataset.smiles = card.smiles;
  const image = part("img", "");
  image.src = card.picture;
  image.alt = card.smiles;
  image.width = 220;
  image.height = 160;
  box.append(image, textOf("title", card.title), ...card.lines.map(lineOf));
  box.title = card.smiles;
  box.tabIndex = 0;
  box.setAttribute("role", "checkbox");
  const show = () => {
    box.classList.toggle("selected", selected.has(card.smiles));
    box.setAttribute("aria-checked", selected.has(card.smiles));
  };
  const turn = () => {
    if (box.parentElement.classList.contains("still")) return;
    selected.has(card.smiles) ? selected.delete(card.smiles) : selected.add(card.smiles);
    show();
    tell();
  };
  box.onclick = turn;
  box.onkeydown = (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      turn();
    }
  };
  show();
  return box;
}

function lineOf([name, value]) {
  const line = part("div", "line");
  line.append(textOf("name", name), textOf("value", value));
  return line;
}

function textOf(kind, text) {
  const found = part("span", kind);
  found.textContent = text;
  return found;
}

function part(tag, kind) {
  const found = document.createElement(tag);
  if (kind) found.className = kind;
  return found;
}
