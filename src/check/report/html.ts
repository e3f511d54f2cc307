import { EXERCISES } from '../exercise.ts';
import type { Evidence, Finding, Report, TimelineEntry, Verdict } from '../finding.ts';
import { STYLE } from './html-style.ts';
import { byExercise, countVerdicts } from './summary.ts';
import { moment, VERDICTS, type Words, WORDS } from './words.ts';

const SYMBOLS: Readonly<Record<Verdict, string>> = {
  ok: '✓',
  advice: '!',
  fail: '✗',
  'not-checkable': '–',
};

/** The report as a page without scripts that loads nothing. */
export function formatHtml(report: Report): string {
  const page = new Page(report);
  return `<!doctype html>
<html lang="${report.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>loteria check: ${escape(report.subject)}</title>
<style>${STYLE}</style>
</head>
<body>
${page.header()}
<main>
${page.matrix()}
${page.exercises()}
</main>
</body>
</html>
`;
}

/** The parts of the page, as HTML. */
class Page {
  readonly #report: Report;
  readonly #words: Words;

  constructor(report: Report) {
    this.#report = report;
    this.#words = WORDS[report.language];
  }

  header(): string {
    const { subject, findings, environment, seed, startedAt, durationMs, program } = this.#report;
    const counts = countVerdicts(findings);
    const shown = VERDICTS.filter(verdict => counts[verdict] > 0).map(verdict => {
      const text = this.#words.counted[verdict](counts[verdict]);
      return `<li><span class="verdict ${verdict}">${escape(text)}</span></li>`;
    });
    const facts = { [this.#words.seed]: String(seed), ...environment };
    return `<header>
<h1>loteria check: ${escape(subject)}</h1>
<ul class="counts">${shown.join('')}</ul>
<dl>
<dt>${escape(program)}</dt><dd><time datetime="${escape(startedAt)}">${escape(this.#dateOf(startedAt))}</time>, ${this.#duration(durationMs)}</dd>
${Object.entries(facts)
  .map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`)
  .join('\n')}
</dl>
</header>`;
  }

  /** A row per check, a column per exercise; each cell links to its finding. */
  matrix(): string {
    const { findings } = this.#report;
    const exercises = EXERCISES.filter(each => findings.some(({ exercise }) => exercise === each));
    const checks = [...new Set(findings.map(({ check }) => check))];
    const rows = checks.map(check => {
      const cells = exercises.map(exercise => {
        const found = findings.find(each => each.check === check && each.exercise === exercise);
        return `<td>${found === undefined ? '' : this.#cell(found)}</td>`;
      });
      return `<tr><th scope="row"><code>${escape(check)}</code></th>${cells.join('')}</tr>`;
    });
    const heads = exercises.map(exercise => `<th scope="col">${exercise}</th>`);
    return `<table class="matrix">
<thead><tr><td></td>${heads.join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table>`;
  }

  #cell(finding: Finding): string {
    const { verdict, exercise, check } = finding;
    const name = `${exercise} ${check}: ${this.#words.verdicts[verdict]}`;
    return `<a class="${verdict}" href="#${idOf(finding)}" aria-label="${escape(name)}">${SYMBOLS[verdict]}</a>`;
  }

  exercises(): string {
    const groups = [...byExercise(this.#report.findings)];
    return groups
      .map(([exercise, findings]) => {
        const title = escape(this.#words.exercise(exercise.slice(2)));
        return `<h2>${title}</h2>\n${findings.map(finding => this.#finding(finding)).join('\n')}`;
      })
      .join('\n');
  }

  #finding(finding: Finding): string {
    const { language } = this.#report;
    const { verdict, title, check, durationMs, reason, hint, why, command, trials } = finding;
    const words = this.#words;
    const opened = verdict === 'fail' || verdict === 'advice' ? ' open' : '';
    const hasTrials = verdict === 'fail' && trials.failed < trials.made;
    return `<details id="${idOf(finding)}"${opened}>
<summary><span class="verdict ${verdict}">${words.verdicts[verdict]}</span> <h3>${escape(title[language])}</h3>
<span class="soft"><code>${escape(check)}</code> · ${this.#duration(durationMs)}</span></summary>
<div class="body">
${reason === undefined ? '' : `<p class="reason">${escape(reason[language])}</p>`}
${hasTrials ? `<p>${escape(words.sometimes(trials.failed, trials.made))}</p>` : ''}
${hint === undefined ? '' : `<p><strong>${words.hint}:</strong> ${escape(hint[language])}</p>`}
<p class="soft"><strong>${words.why}:</strong> ${escape(why[language])}</p>
${(finding.evidence ?? []).map(each => this.#evidence(each)).join('\n')}
<p class="soft">${words.repeat}: <code>${escape(command)}</code></p>
</div>
</details>`;
  }

  #evidence(evidence: Evidence): string {
    const title = `<h4>${escape(evidence.title[this.#report.language])}</h4>`;
    switch (evidence.kind) {
      case 'log': {
        const lines = evidence.lines.map(
          ({ atMs, source, text }) =>
            `<li><span class="soft">${moment(atMs, this.#words)}</span><span class="soft">${escape(source)}</span><span>${escape(text)}</span></li>`,
        );
        return `${title}\n<ol class="log">${lines.join('\n')}</ol>`;
      }
      case 'rows':
        return `${title}\n<pre class="rows">${escape(evidence.rows.join('\n'))}</pre>`;
      case 'timeline':
        return `${title}\n<ol class="timeline">${evidence.entries.map(entry => this.#entry(entry)).join('\n')}</ol>`;
    }
  }

  #entry(entry: TimelineEntry): string {
    const { language } = this.#report;
    const { kind, atMs, direction, byteCount = 0, shownFrom = 0, text, hex, note } = entry;
    const size = kind === 'data' ? ` · ${this.#words.bytes(byteCount)}` : '';
    const from = shownFrom > 0 ? ` · ${this.#words.fromByte(shownFrom)}` : '';
    const who = escape(this.#words.event(entry));
    return `<li class="${kind} ${direction ?? ''}"><time>${moment(atMs, this.#words)}</time><div class="said">
<span class="who">${who}</span><span class="soft">${escape(size + from)}</span>
${text === undefined ? '' : `<pre>${escape(text)}</pre>`}
${hex === undefined ? '' : `<pre class="hex" aria-label="${this.#words.hex}">${escape(hex)}</pre>`}
${note === undefined ? '' : `<p class="note">${escape(note[language])}</p>`}
</div></li>`;
  }

  #duration(ms: number): string {
    return `${(ms / 1000).toLocaleString(this.#words.locale, { maximumFractionDigits: 1 })} s`;
  }

  #dateOf(time: string): string {
    return new Date(time).toLocaleString(this.#words.locale, {
      dateStyle: 'long',
      timeStyle: 'short',
    });
  }
}

const idOf = ({ exercise, check }: Finding): string => `${exercise}-${check}`;

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
