/**
 * Bars by the hour as inline SVG: what went well, and on top of it what failed. Attributes only, since
 * the page allows no inline style; the numbers are also there as a table.
 */
import type { HourlyCount } from '../store/port.js';
import { html, type Html } from './html.js';
import { numberText, plural } from './words.js';

const HOURS = 24;
const STEP = 15;
const BAR = 11;
const HEIGHT = 64;
const HOUR_MS = 3_600_000;

export interface Series {
  readonly title: string;
  /** Names of the counters: all, and of them those that failed. */
  readonly all: string;
  readonly failed: string;
  /** What is counted: `request`. */
  readonly unit: string;
}

interface Hour {
  readonly hour: number;
  readonly all: number;
  readonly failed: number;
}

export const FIRST_HOUR = (now: number): number => Math.floor(now / HOUR_MS) - HOURS + 1;

export function hourlyChart(series: Series, counts: readonly HourlyCount[], now: number): Html {
  const hours = gather(series, counts, now);
  const total = hours.reduce((sum, { all }) => sum + all, 0);
  const failed = hours.reduce((sum, hour) => sum + hour.failed, 0);
  const most = Math.max(...hours.map(({ all }) => all));
  const scale = most === 0 ? 0 : HEIGHT / most;
  const summary = `${plural(total, series.unit)}, ${failed === 0 ? 'none' : numberText(failed)} failed`;
  return html`<figure class="chart">
    <figcaption><strong>${series.title}</strong> <span class="dim">${summary}</span></figcaption>
    <svg
      viewBox="0 0 ${HOURS * STEP} ${HEIGHT + 1}"
      role="img"
      aria-label="${`${series.title} in the last 24 hours: ${summary}.`}"
      preserveAspectRatio="none"
    >
      <line class="axis" x1="0" x2="${HOURS * STEP}" y1="${HEIGHT + 0.5}" y2="${HEIGHT + 0.5}" />
      ${hours.map((hour, index) => bar(hour, index, scale))}
    </svg>
    <div class="chart-ends">
      <span>24 hours ago</span><span>${most > 0 && `most in an hour: ${numberText(most)}`}</span><span>now</span>
    </div>
    ${total > 0 && numbersOf(series, hours)}
  </figure>`;
}

function gather({ all, failed }: Series, counts: readonly HourlyCount[], now: number): readonly Hour[] {
  const byKey = new Map(counts.map(({ hour, name, count }) => [`${String(hour)} ${name}`, count]));
  const first = FIRST_HOUR(now);
  return Array.from({ length: HOURS }, (_, index) => {
    const hour = first + index;
    const of = (name: string): number => byKey.get(`${String(hour)} ${name}`) ?? 0;
    return { hour, all: of(all), failed: of(failed) };
  });
}

function bar({ hour, all, failed }: Hour, index: number, scale: number): Html | null {
  if (all === 0) return null;
  const x = index * STEP + (STEP - BAR) / 2;
  // The least that can be seen.
  const height = Math.max(all * scale, 2);
  const failedHeight = failed === 0 ? 0 : Math.max(failed * scale, 2);
  return html`<g>
    <title>${timeOf(hour)}: ${all}${failed > 0 && `, ${String(failed)} failed`}</title>
    <rect class="bar" x="${x}" y="${round(HEIGHT - height)}" width="${BAR}" height="${round(height)}" rx="1.5" />
    ${failed > 0 && html`<rect class="bar failed" x="${x}" y="${round(HEIGHT - failedHeight)}" width="${BAR}" height="${round(failedHeight)}" rx="1.5" />`}
  </g>`;
}

function numbersOf(series: Series, hours: readonly Hour[]): Html {
  const rows = hours.filter(({ all }) => all > 0);
  return html`<details id="${`numbers-${series.all}`}" class="numbers">
    <summary>Numbers</summary>
    <table>
      <caption class="sr">
        ${series.title} by the hour
      </caption>
      <thead>
        <tr>
          <th scope="col">Hour (UTC)</th>
          <th scope="col" class="number">All</th>
          <th scope="col" class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ hour, all, failed }) =>
            html`<tr>
              <th scope="row">${timeOf(hour)}</th>
              <td class="number">${all}</td>
              <td class="number">${failed}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

const timeOf = (hour: number): string => `${new Date(hour * HOUR_MS).toISOString().slice(11, 13)}:00`;
const round = (value: number): number => Math.round(value * 10) / 10;
