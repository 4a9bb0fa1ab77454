// A small bar chart without a chart library: for the dashboard and the usage figure, where the
// weight of the first load counts. The numbers are also there as a table for those who cannot see.
import { useState } from "react";

export interface Bar {
  label: string;
  value: number;
  title: string;
}

interface Props {
  bars: Bar[];
  label: string;
  height?: number;
}

export function Bars({ bars, label, height = 120 }: Props) {
  const [active, setActive] = useState<number | null>(null);
  const top = Math.max(1, ...bars.map((bar) => bar.value));
  const shown = active === null ? undefined : bars[active];
  const step = 100 / Math.max(1, bars.length);
  return (
    <figure className="relative" aria-label={label}>
      <svg
        aria-hidden
        viewBox={`0 0 100 ${height}`}
        preserveAspectRatio="none"
        className="block w-full"
        height={height}
        onMouseLeave={() => setActive(null)}
      >
        <line x1="0" x2="100" y1={height - 0.5} y2={height - 0.5} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
        {bars.map((bar, i) => {
          const size = bar.value === 0 ? 0 : Math.max(2, (bar.value / top) * (height - 8));
          return (
            <g key={bar.label} onMouseEnter={() => setActive(i)}>
              <rect x={i * step} y="0" width={step} height={height} fill={active === i ? "var(--hover)" : "transparent"} />
              <rect x={i * step + step * 0.14} y={height - size} width={step * 0.72} height={size} fill="var(--chart-1)" />
            </g>
          );
        })}
      </svg>
      <figcaption className="mt-1.5 flex justify-between gap-2 text-2xs text-muted tabular-nums" aria-hidden>
        <span>{shown ? shown.title : bars[0]?.label}</span>
        <span>{shown ? "" : bars.at(-1)?.label}</span>
      </figcaption>
      <div className="sr-only">
        <table>
          <caption>{label}</caption>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.label}>
                <th scope="row">{bar.label}</th>
                <td>{bar.value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
