-- 002_names.sql - names have something to see in them and no control characters.

alter table identity.users add constraint users_name_form
	check (name ~ '[^[:space:]]' and name !~ '[[:cntrl:]]') not valid;
alter table identity.users validate constraint users_name_form;
