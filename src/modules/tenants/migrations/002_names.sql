-- 002_names.sql - names have something to see in them and no control characters.
--
-- They stand in subjects of mails, in menus and in the audit list.

alter table tenants.tenants add constraint tenants_name_form
	check (name ~ '[^[:space:]]' and name !~ '[[:cntrl:]]') not valid;
alter table tenants.tenants validate constraint tenants_name_form;
alter table tenants.api_keys add constraint api_keys_name_form
	check (name ~ '[^[:space:]]' and name !~ '[[:cntrl:]]') not valid;
alter table tenants.api_keys validate constraint api_keys_name_form;
