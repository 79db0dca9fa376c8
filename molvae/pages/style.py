"""The look of the report: light or dark as the reader's system asks, one column on a small screen, no font from elsewhere."""

CSS = """
:root { color-scheme: light dark; --ground: #fbfbf9; --card: #fff; --text: #1b1c1d; --soft: #5d6166; --line: #dcdcd6;
  --ours: #1f6fd0; --theirs: #b9bcc0; --prior: #d9541e; --best: #d8efd9; --good: #17703a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181a; --card: #202225; --text: #ececea; --soft: #a5a9ae; --line: #3a3d41;
  --ours: #6aa9f5; --theirs: #565b61; --prior: #f08a5d; --best: #24492c; --good: #7fd197; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 46rem; }
.note, figcaption, .soft { color: var(--soft); font-size: .875rem; }
.verdict { margin: 1rem 0; padding: .75rem 1rem; border: 1px solid var(--line); border-left: 6px solid var(--soft);
  background: var(--card); border-radius: 4px; font-weight: 600; }
.verdict.good { border-left-color: var(--good); } .verdict.bad { border-left-color: var(--bad); color: var(--bad); }
.tiles, .charts, .molecules, .pairs { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .75rem; margin: 1rem 0; }
.tile { min-width: 8.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; background: var(--card); }
th, td { padding: .35rem .7rem; border: 1px solid var(--line); text-align: right; vertical-align: top; }
th { font-weight: 600; } th:first-child, th.text, td.text { text-align: left; } td.text { overflow-wrap: anywhere; min-width: 7rem; }
th[scope=row] { font-weight: 400; position: sticky; left: 0; background: var(--card); }
tr.ours td, tr.ours th { font-weight: 700; border-top: 2px solid var(--ours); border-bottom: 2px solid var(--ours); }
tr.ours th { overflow-wrap: anywhere; min-width: 8rem; }
tr.bound td, tr.bound th { color: var(--soft); font-style: italic; }
td.best { background: var(--best); }
.charts > figure { flex: 0 1 21rem; } .molecules > figure { flex: 0 1 10.5rem; } .pairs > figure { flex: 0 1 22rem; }
figure { margin: 0; padding: .5rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px; min-width: 0; }
figure.map { max-width: 34rem; } figure.wide { max-width: 60rem; }
.parts { margin: .25rem 0; font-size: .75rem; font-variant-numeric: tabular-nums; } .parts span:last-child { margin-left: auto; }
.parts > div { display: flex; flex-wrap: wrap; column-gap: .5rem; overflow-wrap: anywhere; }
figure.miss { border: 2px solid var(--bad); }
figcaption { overflow-wrap: anywhere; } figcaption.smiles, td.smiles { font: .72rem/1.35 ui-monospace, Consolas, monospace; }
.sides { display: flex; gap: .4rem; } .sides > div { flex: 1 1 0; min-width: 0; }
.mark { font-weight: 700; color: var(--good); font-size: .875rem; } .miss .mark { color: var(--bad); }
img { display: block; width: 100%; height: auto; background: #fff; border-radius: 3px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.axis { stroke: var(--soft); stroke-width: 1; } .reference { fill: var(--theirs); }
.samples { fill: none; stroke: var(--ours); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--ours); fill-opacity: .75; } .cross { stroke: var(--prior); stroke-width: 1; fill: none; }
.key { display: inline-block; width: 1.1em; height: .75em; margin: 0 .35em 0 0; vertical-align: baseline; }
.key.theirs { background: var(--theirs); } .key.ours { border-top: 3px solid var(--ours); height: .35em; }
.legend span { margin-right: 1.25rem; } .legend .real { color: var(--ours); } .legend .draw { color: var(--prior); }
summary { cursor: pointer; }
@media print { body { max-width: none; } figure, table { break-inside: avoid; } }
"""
