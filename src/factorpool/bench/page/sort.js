// A click on a column's heading sorts its table by the values behind the cells; a second click turns the order round.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const order = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order === 1 ? "ascending" : "descending");
    const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      const [m, n] = [Number(x), Number(y)];
      return order * (x !== "" && y !== "" && !isNaN(m) && !isNaN(n) ? m - n : String(x).localeCompare(String(y)));
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(compare));
  });
}
document.documentElement.dataset.ready = "yes";
