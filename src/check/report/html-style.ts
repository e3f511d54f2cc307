/** Text has a contrast of at least 4.5 in both color schemes. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --card: #ffffff; --ink: #1b1e21; --soft: #59616a; --line: #dcdcd5;
  --fail: #a4262c; --fail-ground: #fbe9e9; --advice: #6b3a00; --advice-ground: #fdf1dc;
  --ok: #0b6e4f; --ok-ground: #e3f3ec; --none: #59616a; --none-ground: #efefec;
  --up: #1d4f91; --down: #6a3d8f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131517; --card: #1a1d20; --ink: #e7e9eb; --soft: #a3abb3; --line: #33383d;
    --fail: #ff9a91; --fail-ground: #3d1c1d; --advice: #f5cf94; --advice-ground: #3a2b12;
    --ok: #6fd3a6; --ok-ground: #14302a; --none: #a3abb3; --none-ground: #26292d;
    --up: #8db9f5; --down: #cda6ee;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem clamp(0.75rem, 4vw, 2.5rem) 3rem; max-width: 68rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.4rem; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.15rem; }
h3 { display: inline; margin: 0; font-size: 1rem; }
h4 { margin: 1.25rem 0 0.4rem; font-size: 0.95rem; }
p { margin: 0.4rem 0; }
code, pre, .log { font-family: ui-monospace, monospace; font-size: 0.85rem; }
pre { margin: 0; white-space: pre-wrap; }
a { color: inherit; }
.soft { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 1rem 0; font-size: 0.9rem; }
dt { color: var(--soft); }
dd { margin: 0; }
.verdict {
  display: inline-block; padding: 0 0.55rem; border-radius: 0.8rem; font-size: 0.85rem; font-weight: 600;
  white-space: nowrap;
}
.fail { color: var(--fail); background: var(--fail-ground); }
.advice { color: var(--advice); background: var(--advice-ground); }
.ok { color: var(--ok); background: var(--ok-ground); }
.not-checkable { color: var(--none); background: var(--none-ground); }
.counts { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 1rem 0; padding: 0; list-style: none; }
.counts .verdict { font-size: 1rem; padding: 0.1rem 0.8rem; border-radius: 1rem; }
.matrix { border-collapse: collapse; font-size: 0.9rem; }
.matrix th { padding: 0.2rem 0.5rem 0.2rem 0; text-align: left; font-weight: 400; }
.matrix thead th, .matrix td { text-align: center; padding: 0.15rem; }
.matrix a {
  display: block; width: 1.75rem; line-height: 1.75rem; border-radius: 0.3rem; text-decoration: none; font-weight: 700;
}
details { margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--card); }
summary { display: flex; flex-wrap: wrap; gap: 0.2rem 0.75rem; align-items: baseline; padding: 0.6rem 0.9rem; cursor: pointer; }
summary .soft { font-size: 0.85rem; margin-left: auto; }
.body { padding: 0 0.9rem 0.9rem; }
.reason { font-size: 1.05rem; }
.rows { padding: 0.5rem 0.7rem; border: 1px solid var(--line); border-radius: 0.4rem; }
.log, .timeline { margin: 0; padding: 0; list-style: none; }
.log { padding: 0.5rem 0.7rem; border: 1px solid var(--line); border-radius: 0.4rem; }
.log li { display: grid; grid-template-columns: 5.5rem 4.5rem 1fr; gap: 0.5rem; }
.log .soft { white-space: nowrap; }
.timeline li { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0.5rem; margin: 0.3rem 0; font-size: 0.9rem; }
.timeline time { color: var(--soft); text-align: right; white-space: nowrap; }
.said { padding: 0.3rem 0.7rem; border: 0 solid var(--line); border-radius: 0.3rem; background: var(--ground); }
.up .said { margin-right: 12%; border-left: 0.25rem solid var(--up); }
.down .said { margin-left: 12%; border-right: 0.25rem solid var(--down); }
.up .who { color: var(--up); }
.down .who { color: var(--down); }
.who { font-weight: 600; }
.hex { color: var(--soft); font-size: 0.78rem; }
.note { margin: 0.3rem 0 0; padding: 0.2rem 0.5rem; border-radius: 0.3rem; color: var(--fail); background: var(--fail-ground); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 40rem) {
  .timeline li { grid-template-columns: 1fr; gap: 0; }
  .log li { grid-template-columns: max-content 1fr; gap: 0 0.75rem; }
  .log li :last-child { grid-column: 1 / -1; }
  .timeline time { text-align: left; }
  .log li { margin-bottom: 0.4rem; }
  .up .said { margin-right: 4%; }
  .down .said { margin-left: 4%; }
  .matrix th { padding-right: 0.2rem; }
  .matrix thead th, .matrix td { padding: 0.1rem; }
  .matrix a { width: 1.6rem; }
}
@media print { details { break-inside: avoid; } }
`;
