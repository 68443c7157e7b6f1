"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (!data.rows) return;
  const PAGE = 100;
  const table = document.getElementById("listed");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const columns = data.columns;
  const texts = columns.map((column) => column.texts.map((text) => String(text).toLowerCase()));
  const every = Array.from({ length: data.rows }, (_, row) => row);
  let found = every;
  let order = every;
  let shown = 0;

  const value = (column, row) => columns[column].texts[columns[column].codes[row]];
  const fill = (element, values) => {
    element.textContent = element.dataset.text.replace(/\{(\w+)\}/g, (_, name) => values[name].toLocaleString("en"));
  };

  const show = () => {
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    shown = Math.min(shown, pages - 1);
    const rows = order.slice(shown * PAGE, (shown + 1) * PAGE).map((row) => {
      const line = document.createElement("tr");
      columns.forEach((_, column) => {
        const cell = document.createElement(column ? "td" : "th");
        if (!column) cell.scope = "row";
        cell.textContent = value(column, row);
        line.append(cell);
      });
      return line;
    });
    body.replaceChildren(...rows);
    fill(document.getElementById("found"), { found: order.length, total: data.rows });
    fill(document.getElementById("page"), { page: shown + 1, pages });
    document.getElementById("back").disabled = shown === 0;
    document.getElementById("on").disabled = shown === pages - 1;
  };

  const search = (asked) => {
    const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = words.map((word) => texts.map((column) => column.map((text) => text.includes(word))));
    found = every.filter((row) =>
      holds.every((word) => word.some((column, at) => column[columns[at].codes[row]])));
  };

  const sort = () => {
    const at = headings.findIndex((heading) => heading.getAttribute("aria-sort") !== "none");
    if (at < 0) { order = found; return; }
    const way = headings[at].getAttribute("aria-sort") === "ascending" ? 1 : -1;
    const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
    const ranked = columns[at].texts.map((text, code) => [text, code])
      .sort((one, other) => typeof one[0] === "number" ? one[0] - other[0] : compare(one[0], other[0]));
    const place = [];
    ranked.forEach(([, code], rank) => { place[code] = rank; });
    const codes = columns[at].codes;
    order = [...found].sort((one, other) => way * (place[codes[one]] - place[codes[other]]) || one - other);
  };

  const input = document.getElementById("search");
  input.addEventListener("input", () => { search(input.value); sort(); shown = 0; show(); });
  headings.forEach((heading) => {
    const button = heading.querySelector("button");
    button.disabled = false;
    button.addEventListener("click", () => {
      const next = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      headings.forEach((each) => { each.setAttribute("aria-sort", each === heading ? next : "none"); });
      sort(); shown = 0; show();
    });
  });
  document.getElementById("back").addEventListener("click", () => { shown -= 1; show(); });
  document.getElementById("on").addEventListener("click", () => { shown += 1; show(); });
  document.querySelector(".controls").hidden = false;
  document.querySelector(".pages").hidden = data.rows <= PAGE;
  show();
})();
