// The peer: Fastify and pg, the same database, the same route, the same row security:
// look up the session, check the permission, then in one transaction set the tenant
// and read the row that PostgreSQL builds as JSON.
import { createHash } from "node:crypto";
import Fastify from "fastify";
import pg from "pg";

const platform = new pg.Pool({ connectionString: process.env.PLATFORM_DSN, max: 8 });
const tenants = new pg.Pool({ connectionString: process.env.APP_DSN, max: 8 });
const app = Fastify();

async function who(request) {
  const token = /bulkhead=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  if (!token) return null;
  const hash = createHash("sha256").update(token).digest();
  const found = await platform.query({
    name: "who",
    text: process.env.WHO_SQL,
    values: [hash, request.params.tenant],
  });
  return found.rows[0] ?? null;
}

async function inTenant(tenant, work) {
  const client = await tenants.connect();
  try {
    await client.query("begin");
    await client.query({ name: "scope", text: "select set_config('app.tenant', $1, true)", values: [tenant] });
    const answer = await work(client);
    await client.query("commit");
    return answer;
  } catch (fault) {
    await client.query("rollback");
    throw fault;
  } finally {
    client.release();
  }
}

app.get("/api/v1/t/:tenant/projects/:id", async (request, reply) => {
  const person = await who(request);
  if (!person) return reply.code(401).send();
  const found = await inTenant(person.tenant_id, (client) =>
    client.query({
      name: "project",
      text: "select to_jsonb(v) as project from analytics.projects_v v where tenant_id = $1 and id = $2",
      values: [person.tenant_id, request.params.id],
    }),
  );
  if (found.rows.length === 0) return reply.code(404).send();
  return found.rows[0].project;
});

app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
