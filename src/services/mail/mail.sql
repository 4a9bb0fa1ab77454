-- name: mail_put(id uuid, template text, to_address text, sealed text) -> exec
insert into core.mails (id, template, to_address, sealed)
values (:id, :template, :to_address, :sealed);

-- name: mail_take(id uuid) -> maybe (to_address text, sealed text)
-- One more attempt at a mail that is still to be sent.
update core.mails
set attempts = attempts + 1
where id = :id and status = 'queued' and sealed is not null
returning to_address, sealed;

-- name: mail_settle(id uuid, status text, last_error text?) -> exec
-- The words go unless it will be tried again.
update core.mails
set status = :status,
	last_error = :last_error,
	sealed = case when :status = 'queued' then sealed end,
	sent_at = case when :status = 'sent' then now() end
where id = :id;

-- name: mail_forget_old() -> exec
with caught as (
	delete from core.dev_mails where at < now() - interval '7 days'
)
delete from core.mails where created_at < now() - interval '90 days';

-- name: dev_mail_put(id uuid, to_address text, from_address text, subject text, text_body text,
--   html_body text) -> exec
insert into core.dev_mails (id, to_address, from_address, subject, text_body, html_body)
values (:id, :to_address, :from_address, :subject, :text_body, :html_body)
on conflict (id) do nothing;

-- name: dev_mail_list() -> json
select coalesce(json_agg(json_build_object('id', id, 'to', to_address, 'subject', subject,
	'at', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by at desc), '[]')
from (select * from core.dev_mails order by at desc limit 200) as m;

-- name: dev_mail_get(id uuid) -> json
select json_build_object('id', id, 'to', to_address, 'from', from_address, 'subject', subject,
	'at', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'text', text_body, 'html', html_body)
from core.dev_mails
where id = :id;
