// The one table: server paging, server sort, column choice that is remembered, rows that can open
// a detail. Lists keep their state in the URL; the table only draws it.
import { flexRender, getCoreRowModel, useReactTable, type Column, type ColumnDef, type Header, type RowData, type VisibilityState } from "@tanstack/react-table";
import clsx from "clsx";
import { ArrowDown, ArrowUp, Columns3 } from "lucide-react";
import { Fragment, useState, type ReactNode } from "react";
import type { Page } from "@/api/types";
import { t } from "@/strings";
import { Button } from "./button";
import { Menu, MenuCheck, MenuLabel } from "./menu";
import { Card } from "./page";
import { recall, remember } from "./remember";
import { LoadingRows, QueryView } from "./states";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** The name the server sorts by; without it the column cannot be sorted. */
    sort?: string;
    className?: string;
    row?: TData;
    value?: TValue;
  }
}

interface Query<T> {
  data: Page<T> | undefined;
  error: unknown;
  isPending: boolean;
  isPlaceholderData?: boolean;
  refetch: () => unknown;
}

interface Props<T> {
  name: string;
  label: string;
  columns: ColumnDef<T>[];
  query: Query<T>;
  rowId: (row: T) => string;
  empty: ReactNode;
  filters?: ReactNode;
  /** Offers the choice of columns; for wide tables. */
  choosable?: boolean;
  sort?: string;
  onSort?: (sort: string) => void;
  cursor?: string;
  onCursor?: (cursor: string | undefined) => void;
  detail?: (row: T) => ReactNode;
  openId?: string;
  rowClass?: (row: T) => string | undefined;
}

export function DataTable<T>({ name, label, columns, query, rowId, empty, filters, choosable, sort, onSort, cursor, onCursor, detail, openId, rowClass }: Props<T>) {
  const [visibility, setVisibility] = useState<VisibilityState>(() => readVisibility(name));
  const table = useReactTable({
    data: query.data?.items ?? [],
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: rowId,
    state: { columnVisibility: visibility },
    onColumnVisibilityChange: (update) => {
      const next = typeof update === "function" ? update(visibility) : update;
      setVisibility(next);
      remember(`columns.${name}`, JSON.stringify(next));
    },
  });
  return (
    <Card className="overflow-hidden">
      {filters || choosable ? (
        <div className="flex flex-wrap items-center gap-2 border-b px-3 py-2">
          {filters}
          {choosable ? <ColumnChoice columns={table.getAllLeafColumns().filter((column) => column.getCanHide())} /> : null}
        </div>
      ) : null}
      <QueryView query={query} loading={<LoadingRows />}>
        {(page) =>
          page.items.length === 0 ? (
            empty
          ) : (
            <div tabIndex={0} role="region" aria-label={t.common.table(label)} className={clsx("relative overflow-x-auto -outline-offset-2", query.isPlaceholderData && "opacity-60")}>
              <table className="w-full text-sm">
                <thead>
                  {table.getHeaderGroups().map((group) => (
                    <tr key={group.id} className="border-b bg-subtle text-left text-xs text-muted">
                      {group.headers.map((header) => (
                        <HeadCell key={header.id} header={header} sort={sort} onSort={onSort} />
                      ))}
                    </tr>
                  ))}
                </thead>
                <tbody>
                  {table.getRowModel().rows.map((row) => (
                    <Fragment key={row.id}>
                      <tr className={clsx("border-b last:border-0 hover:bg-hover/60", rowClass?.(row.original))}>
                        {row.getVisibleCells().map((cell) => (
                          <td key={cell.id} className={clsx("h-11 px-4 py-1.5", cell.column.columnDef.meta?.className)}>
                            {flexRender(cell.column.columnDef.cell, cell.getContext())}
                          </td>
                        ))}
                      </tr>
                      {detail && openId === row.id ? (
                        <tr className="border-b bg-subtle">
                          <td colSpan={row.getVisibleCells().length} className="px-4 py-3">
                            <div className="sticky left-4 max-w-[calc(100vw-4.5rem)]">{detail(row.original)}</div>
                          </td>
                        </tr>
                      ) : null}
                    </Fragment>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </QueryView>
      {onCursor && (cursor || query.data?.next_cursor) ? (
        <Pager cursor={cursor} next={query.data?.next_cursor ?? null} count={query.data?.items.length ?? 0} onCursor={onCursor} />
      ) : null}
    </Card>
  );
}

function ColumnChoice<T>({ columns }: { columns: Column<T>[] }) {
  return (
    <div className="ml-auto">
      <Menu
        trigger={
          <Button size="sm" variant="ghost" icon={Columns3} aria-label={t.common.columns}>
            <span className="max-sm:hidden">{t.common.columns}</span>
          </Button>
        }
      >
        <MenuLabel>{t.common.columns}</MenuLabel>
        {columns.map((column) => (
          <MenuCheck key={column.id} checked={column.getIsVisible()} onChange={(on) => column.toggleVisibility(on)}>
            {String(column.columnDef.header)}
          </MenuCheck>
        ))}
      </Menu>
    </div>
  );
}

function HeadCell<T>({ header, sort, onSort }: { header: Header<T, unknown>; sort?: string; onSort?: (sort: string) => void }) {
  const meta = header.column.columnDef.meta;
  const label = String(header.column.columnDef.header);
  const isUp = sort !== undefined && sort === meta?.sort;
  const isDown = sort !== undefined && sort === `-${meta?.sort}`;
  const Arrow = isUp ? ArrowUp : ArrowDown;
  return (
    <th
      scope="col"
      aria-sort={isUp ? "ascending" : isDown ? "descending" : undefined}
      className={clsx("h-8 px-4 font-medium whitespace-nowrap", meta?.className)}
    >
      {meta?.sort && onSort ? (
        <button
          type="button"
          title={t.common.sortBy(label)}
          className="inline-flex items-center gap-1 rounded-sm hover:text-text"
          onClick={() => onSort(isDown ? (meta.sort ?? "") : `-${meta.sort}`)}
        >
          {label}
          {isUp || isDown ? <Arrow aria-hidden className="size-3" /> : null}
        </button>
      ) : header.column.id === "actions" ? (
        <span className="sr-only">{label}</span>
      ) : (
        label
      )}
    </th>
  );
}

interface PagerProps {
  cursor?: string;
  next: string | null;
  count: number;
  onCursor: (cursor: string | undefined) => void;
}

export function Pager({ cursor, next, count, onCursor }: PagerProps) {
  return (
    <nav aria-label={t.common.older} className="flex items-center gap-2 border-t px-3 py-2 text-xs text-muted">
      <span className="mr-auto">{t.common.rows(count)}</span>
      <Button size="sm" disabled={!cursor} onClick={() => onCursor(undefined)}>
        {t.common.newest}
      </Button>
      <Button size="sm" disabled={!next} onClick={() => onCursor(next ?? undefined)}>
        {t.common.older}
      </Button>
    </nav>
  );
}

function readVisibility(name: string): VisibilityState {
  try {
    const kept: unknown = JSON.parse(recall(`columns.${name}`) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as VisibilityState) : {};
  } catch {
    return {};
  }
}
