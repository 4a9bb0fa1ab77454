// The picture itself; Recharts is loaded with it and nowhere else.
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { useFormat } from "@/patterns/format";
import { t } from "@/strings";
import type { Stack } from "./stack";

const colours = ["var(--chart-1)", "var(--chart-2)", "var(--chart-3)", "var(--chart-4)", "var(--chart-5)", "var(--chart-6)"];

interface Props {
  data: Stack;
  label: (at: string) => string;
  tick: (at: string) => string;
}

export default function Picture({ data, label, tick }: Props) {
  const format = useFormat();
  const rows = data.rows.map((row) => ({ at: row.at, counts: row.counts }));
  return (
    <div className="h-80 text-xs" role="img" aria-label={t.chart.title}>
      <ResponsiveContainer width="100%" height="100%">
        <BarChart data={rows} margin={{ top: 4, right: 4, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis dataKey="at" tickFormatter={tick} tickLine={false} axisLine={{ stroke: "var(--line)" }} tick={{ fill: "var(--muted)", fontSize: 11 }} minTickGap={28} />
          <YAxis allowDecimals={false} width={44} tickFormatter={format.compact} tickLine={false} axisLine={false} tick={{ fill: "var(--muted)", fontSize: 11 }} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ fill: "var(--hover)" }}
            labelFormatter={(at) => label(String(at))}
            formatter={(count) => format.number(Number(count))}
            contentStyle={{
              background: "var(--surface)",
              border: "1px solid var(--line)",
              borderRadius: "var(--radius)",
              boxShadow: "0 4px 16px -4px var(--shadow)",
              fontSize: 12,
            }}
            labelStyle={{ color: "var(--muted)", marginBottom: 4 }}
            itemStyle={{ color: "var(--text)", padding: 0 }}
          />
          {data.names.length > 1 ? (
            <Legend iconType="square" iconSize={8} itemSorter={null} formatter={(name: string) => <span className="text-muted">{name}</span>} />
          ) : null}
          {data.names.map((name, i) => (
            <Bar
              key={name}
              name={name}
              dataKey={(row: { counts: number[] }) => row.counts[i] ?? 0}
              stackId="all"
              fill={colours[i % colours.length]}
              isAnimationActive={false}
              maxBarSize={36}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
