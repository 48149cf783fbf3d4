// The versions in words: rate, mean score, and the score and the GOP of one frame.

export class VersionsTable {
  // versions: the source first. metric: the one whose scores are shown, or null.
  constructor(table, {versions, metrics, first}) {
    Object.assign(this, {table, versions, first});
    this.metric = metrics[0] ?? null;
    this.frame = 0;
    this.build();
  }

  setMetric(metric) {
    this.metric = metric;
    this.build();
  }

  setFrame(index) {
    this.frame = index;
    this.head.at(-2).textContent = `frame ${index + this.first}`;
    this.rows.forEach(({cells, version}) => {
      const scores = this.metric ? version.scores[this.metric.name] : null;
      cells.at(-2).textContent = scores ? this.shown(scores[index]) : "";
      const number = version.gops.findIndex(
        ({first, length}) => first <= index && index < first + length,
      );
      cells.at(-1).textContent = number < 0 ? "" : describedGop(version.gops[number]);
    });
  }

  build() {
    const {metric} = this;
    const better = metric?.higherIsBetter ? "higher" : "lower";
    const mean = metric ? `mean ${metric.label}${metric.unit} (${better} is better)` : "";
    this.head = ["", "bytes", "bpp", mean, "", "GOP"].map((text) => newCell("th", text));
    this.rows = this.versions.map((version) => {
      const value = metric ? version.means[metric.name] : undefined;
      const cells = [
        version.name,
        version.numBytes?.toLocaleString("en") ?? "",
        version.bpp === null ? "" : String(Number(version.bpp.toPrecision(4))),
        value === undefined ? "" : this.shown(value),
        "",
        "",
      ].map((text) => newCell("td", text));
      const swatch = document.createElement("i");
      swatch.style.background = version.colour ?? "transparent";
      cells[0].prepend(swatch);
      cells[0].title = version.name;
      return {cells, version};
    });
    this.table.replaceChildren(
      newRow(this.head),
      ...this.rows.map(({cells}) => newRow(cells)),
    );
    this.setFrame(this.frame);
  }

  shown(value) {
    return value === null ? "–" : value.toFixed(this.metric.decimals);
  }
}

function describedGop({number, bits, bpp}) {
  return `${number}: ${bits.toLocaleString("en")} bits, ${Number(bpp.toPrecision(3))} bpp`;
}

function newCell(tag, text) {
  const cell = document.createElement(tag);
  cell.textContent = text;
  return cell;
}

function newRow(cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}
