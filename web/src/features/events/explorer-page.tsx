// Search in everything that was received.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Inbox } from "lucide-react";
import { ChoiceFilter, ClearFilters, TextFilter, TimeFilter, useSearchPatch } from "@/patterns/filters";
import { Card, usePageTitle } from "@/patterns/page";
import { Pager } from "@/patterns/data-table";
import { EmptyState, QueryView } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useMembership } from "@/session/session";
import { t } from "@/strings";
import { EventInspector } from "./inspector";
import { EventLine, eventTypes } from "./parts";
import { eventsQuery } from "./queries";

const route = getRouteApi("/$tenant/projects/$project/explorer");

function checkProperty(text: string): string | undefined {
  return /^[^:]+:.+$/.test(text) ? undefined : t.validation.property;
}

export function ExplorerPage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.explorer, project.name, tenant.name);
  const { event: openId, cursor, ...filters } = route.useSearch();
  const patch = useSearchPatch();
  const query = useQuery(eventsQuery(tenant.slug, project.id, { ...filters, cursor, limit: 50 }));
  const isFiltered = Object.keys(filters).length > 0;
  const set = (name: keyof typeof filters) => (value: string | undefined) => patch({ [name]: value, event: undefined }, { replace: true });
  const open = (id: string | undefined) => patch({ event: id, cursor }, { replace: true });
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_24rem] 2xl:grid-cols-[minmax(0,1fr)_28rem]">
      <Card className="flex flex-wrap items-center gap-2 px-3 py-2 xl:col-span-2">
        <ChoiceFilter
          label={t.events.type}
          value={filters.type}
          onChange={set("type")}
          every={t.events.everyType}
          options={eventTypes.map((value) => ({ value, label: value }))}
        />
        <TextFilter label={t.events.name} value={filters.name} onChange={set("name")} className="w-36" />
        <TextFilter label={t.events.userId} value={filters.user_id} onChange={set("user_id")} className="w-36" />
        <TextFilter
          label={t.events.property}
          placeholder={t.events.propertyHint}
          value={filters.property}
          onChange={set("property")}
          className="w-32"
          check={checkProperty}
        />
        <span className="flex flex-wrap items-center gap-2">
          <TimeFilter label={t.common.from} value={filters.from} onChange={set("from")} />
          <TimeFilter label={t.common.to} value={filters.to} onChange={set("to")} />
        </span>
        <ClearFilters
          active={isFiltered}
          onClear={() =>
            patch({ type: undefined, name: undefined, user_id: undefined, property: undefined, from: undefined, to: undefined, event: undefined })
          }
        />
      </Card>
      <div className="min-w-0">
        <Card className="overflow-hidden">
          <QueryView query={query}>
            {({ items, next_cursor: next }) => (
              <>
                {items.length === 0 ? (
                  isFiltered ? (
                    <EmptyState title={t.events.noMatch} text={t.events.noMatchText} />
                  ) : (
                    <EmptyState icon={Inbox} title={t.events.empty} text={t.events.emptyText} />
                  )
                ) : (
                  <ul aria-label={t.events.list} className={query.isPlaceholderData ? "opacity-60" : undefined}>
                    {items.map((event) => (
                      <EventLine
                        key={event.id}
                        event={event}
                        selected={event.id === openId}
                        onToggle={(id) => open(id === openId ? undefined : id)}
                      />
                    ))}
                  </ul>
                )}
                {cursor || next ? (
                  <Pager cursor={cursor} next={next ?? null} count={items.length} onCursor={(to) => patch({ cursor: to, event: undefined })} />
                ) : null}
              </>
            )}
          </QueryView>
        </Card>
      </div>
      <EventInspector project={project.id} id={openId} onClose={() => open(undefined)} />
    </div>
  );
}
