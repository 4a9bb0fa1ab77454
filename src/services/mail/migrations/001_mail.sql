-- Mails: one row each, its words sealed with the server's key until it is sent.

create table core.mails (
	id uuid not null default core.uuid_v7(),
	tenant_id uuid not null default core.tenant_or_nil(),
	template text not null,
	to_address text not null,
	sealed text,
	status text not null default 'queued'
		constraint mails_status check (status in ('queued', 'sent', 'refused', 'failed')),
	attempts integer not null default 0,
	last_error text,
	created_at timestamptz not null default now(),
	sent_at timestamptz,
	constraint mails_pk primary key (id)
);
comment on column core.mails.sealed is
	'AES-256-GCM of {subject, text, html}; they may hold links with tokens. Null once sent.';
create index mails_age on core.mails (created_at);
create index mails_of_tenant on core.mails (tenant_id, created_at);
alter table core.mails enable row level security;
alter table core.mails force row level security;
create policy tenant_wall on core.mails using (tenant_id =
	(select nullif(current_setting('app.tenant', true), '')::uuid));
grant insert on core.mails to bulkhead_app;
select core.platform_table('core.mails', 'select,insert,update,delete');

-- The development mailbox: only filled while no SMTP server is configured.
create table core.dev_mails (
	id uuid not null,
	to_address text not null,
	from_address text not null,
	subject text not null,
	text_body text not null,
	html_body text not null,
	at timestamptz not null default now(),
	constraint dev_mails_pk primary key (id)
);
create index dev_mails_age on core.dev_mails (at);
alter table core.dev_mails enable row level security;
alter table core.dev_mails force row level security;
select core.platform_table('core.dev_mails', 'select,insert,delete');
