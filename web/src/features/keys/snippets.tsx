// Ready code that sends the first event: our host and the key filled in.
import { useState } from "react";
import { CodeBlock } from "@/patterns/copy";
import { Choice } from "@/patterns/choice";
import { t } from "@/strings";

type Kind = "curl" | "node" | "browser";

interface Snippet {
  install?: string;
  code: string;
}

export function snippetsFor(host: string, key: string): Record<Kind, Snippet> {
  return {
    curl: {
      code: `curl ${host}/v1/track \\
  -u '${key}:' \\
  -H 'Content-Type: application/json' \\
  -d '{"userId":"user-1","event":"Order Completed","properties":{"total":42}}'`,
    },
    node: {
      install: "npm install @segment/analytics-node",
      code: `import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({
  writeKey: '${key}',
  host: '${host}',
})

analytics.track({
  userId: 'user-1',
  event: 'Order Completed',
  properties: { total: 42 },
})
await analytics.closeAndFlush()`,
    },
    browser: {
      install: "npm install @segment/analytics-next",
      code: `import { AnalyticsBrowser } from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({
  writeKey: '${key}',
  cdnURL: '${host}',
})

analytics.page()
analytics.track('Order Completed', { total: 42 })`,
    },
  };
}

export function Snippets({ writeKey }: { writeKey: string }) {
  const [kind, setKind] = useState<Kind>("curl");
  const snippet = snippetsFor(window.location.origin, writeKey)[kind];
  return (
    <div className="flex flex-col gap-2">
      <Choice
        label={t.keys.snippets}
        value={kind}
        onChange={setKind}
        options={[
          { value: "curl", label: t.keys.curl },
          { value: "node", label: t.keys.node },
          { value: "browser", label: t.keys.browser },
        ]}
      />
      {snippet.install ? <CodeBlock label={t.keys.install} code={snippet.install} /> : null}
      <CodeBlock label={t.keys.code} code={snippet.code} />
    </div>
  );
}
