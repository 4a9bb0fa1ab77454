/* test_realtime_codecs.c - Engine.IO payloads, Socket.IO packets and session ids:
 * what the reference accepts is read, everything else is refused. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <talloc.h>

#include "services/realtime/engineio.h"
#include "services/realtime/socketio.h"

#define ASSERT_STR(s, text)                                                                        \
	do {                                                                                       \
		struct str s_ = (s);                                                               \
		assert_int_equal(s_.n, strlen(text));                                              \
		assert_memory_equal(s_.p, text, s_.n);                                             \
	} while (0)

static void payload_is_cut_into_packets(void **state)
{
	struct str payload = STR("4hello\x1e"
				 "2\x1e"
				 "bAQIDBA==\x1e"
				 "4\xe2\x82\xac");
	struct eio_packet p;

	(void)state;
	assert_true(eio_payload_next(&payload, &p));
	assert_int_equal(p.type, EIO_MESSAGE);
	ASSERT_STR(p.data, "hello");
	assert_true(eio_payload_next(&payload, &p));
	assert_int_equal(p.type, EIO_PING);
	assert_true(eio_payload_next(&payload, &p));
	assert_true(p.is_binary && p.is_base64);
	ASSERT_STR(p.data, "AQIDBA==");
	assert_true(eio_payload_next(&payload, &p));
	ASSERT_STR(p.data, "\xe2\x82\xac");
	assert_true(str_is_null(payload));
}

static void malformed_payloads_are_refused(void **state)
{
	static const char *const bad[] = { "",
					   "abc",
					   "7x",
					   "\x1e",
					   "4a\x1e",
					   ("4a\x1e\x1e"
					    "4b"),
					   " 4a" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str rest = str_of(bad[i]);
		struct eio_packet p;
		bool fine = true;
		while (fine && !str_is_null(rest))
			fine = eio_payload_next(&rest, &p);
		if (fine)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void payload_is_joined(void **state)
{
	struct buf b;

	buf_init(&b, *state, 100);
	eio_payload_add(&b, STR("4a"));
	eio_payload_add(&b, STR("2"));
	ASSERT_STR(buf_view(&b), "4a\x1e"
				 "2");
}

static void open_packet_has_five_keys(void **state)
{
	struct buf b;

	buf_init(&b, *state, 1000);
	eio_open_write(&b, &(struct eio_open){ STR("abc"), true, 25000, 20000, 1000000 });
	ASSERT_STR(buf_view(&b),
		   "0{\"sid\":\"abc\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
		   "\"pingTimeout\":20000,\"maxPayload\":1000000}");
}

static void session_ids_go_there_and_back(void **state)
{
	uint8_t id[EIO_SID_BYTES], back[EIO_SID_BYTES];
	char text[EIO_SID_CHARS];

	(void)state;
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(i * 37 + 200);
	eio_sid_format(id, text);
	assert_true(eio_sid_parse((struct str){ text, sizeof(text) }, back));
	assert_memory_equal(id, back, sizeof(id));
	assert_false(eio_sid_parse(STR("short"), back));
	assert_false(eio_sid_parse(STR("AAAAAAAAAAAAAAAAAAA="), back));
}

static void good_packets_are_read(void **state)
{
	struct sio_packet p;

	assert_true(sio_decode(*state, STR("0"), &p));
	assert_int_equal(p.type, SIO_CONNECT);
	ASSERT_STR(p.name_space, "/");
	assert_true(sio_decode(*state, STR("0/admin"), &p));
	ASSERT_STR(p.name_space, "/admin");
	assert_true(sio_decode(*state, STR("0/admin,{\"token\":\"1\"}"), &p));
	ASSERT_STR(p.name_space, "/admin");
	assert_true(p.has_data);
	assert_true(sio_decode(*state, STR("212[\"join\",{\"a\":1}]"), &p));
	assert_true(p.has_ack);
	assert_int_equal(p.ack_id, 12);
	ASSERT_STR(p.event, "join");
	assert_true(json_is(p.arg, JSON_OBJECT));
	assert_true(sio_decode(*state, STR("2/a,7[\"x\"]"), &p));
	assert_int_equal(p.ack_id, 7);
	assert_null(p.arg);
	assert_true(sio_decode(*state, STR("3456[]"), &p));
	assert_int_equal(p.type, SIO_ACK);
	assert_true(sio_decode(*state, STR("1"), &p));
	assert_true(sio_decode(*state, STR("1/a,"), &p));
	assert_true(sio_decode(
		*state,
		STR("52-[\"m\",{\"_placeholder\":true,\"num\":0},"
		    "{\"_placeholder\":true,\"num\":1}]"),
		&p));
	assert_int_equal(p.attachments, 2);
	assert_true(sio_placeholders_are_valid(&p));
}

static void bad_packets_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"7",
		"a",
		"2",
		"2{}",
		"2[]",
		"2[{}]",
		"2[null,1]",
		"2abc[\"a\"]",
		"2[\"a\"",
		"2[\"a\"]x",
		"2[\"connect\"]",
		"2[\"disconnect\"]",
		"2[\"newListener\",1]",
		"0[]",
		"0\"a\"",
		"01",
		"1{}",
		"3[]",
		"31{}",
		"5[\"a\"]",
		"51[\"a\"]",
		"511-[\"a\"]",
		"5x-[\"a\"]",
		"5-1-[\"a\"]",
		"599999999999-[\"a\"]",
		"299999999999999999999[\"a\"]",
		"2[\"a\",\x01]",
		"2[\"\xff\"]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sio_packet p;
		if (sio_decode(*state, str_of(bad[i]), &p))
			fail_msg("accepted: %s", bad[i]);
	}
}

static void deep_nesting_is_refused(void **state)
{
	char text[4000] = "2[\"a\",";
	struct sio_packet p;

	memset(text + 6, '[', 1900);
	memset(text + 1906, ']', 1900);
	text[3806] = ']';
	assert_false(sio_decode(*state, str_of(text), &p));
}

static void wrong_placeholders_are_found(void **state)
{
	static const char *const bad[] = {
		"51-[\"m\",{\"_placeholder\":true,\"num\":1}]",
		"51-[\"m\",{\"_placeholder\":true,\"num\":-1}]",
		"51-[\"m\",{\"_placeholder\":true,\"num\":\"0\"}]",
		"51-[\"m\",{\"_placeholder\":true}]",
		"51-[\"m\",{\"deep\":[{\"_placeholder\":true,\"num\":0.5}]}]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sio_packet p;
		assert_true(sio_decode(*state, str_of(bad[i]), &p));
		assert_false(sio_placeholders_are_valid(&p));
	}
}

static void packets_are_written(void **state)
{
	struct buf b;

	buf_init(&b, *state, 1000);
	sio_write_event(&b, STR("project:created"), STR("{\"id\":1}"), 77);
	ASSERT_STR(buf_view(&b), "42[\"project:created\",{\"id\":1},\"77\"]");
	buf_reset(&b);
	sio_write_event(&b, STR("a\"b"), STR("{}"), 0);
	ASSERT_STR(buf_view(&b), "42[\"a\\\"b\",{}]");
	buf_reset(&b);
	sio_write_ack(&b, 12, STR("{\"ok\":true}"));
	ASSERT_STR(buf_view(&b), "4312[{\"ok\":true}]");
	buf_reset(&b);
	sio_write_connect_error(&b, STR("/x"), STR("Invalid namespace"), (struct str){ 0 });
	ASSERT_STR(buf_view(&b), "44/x,{\"message\":\"Invalid namespace\"}");
	buf_reset(&b);
	sio_write_connect(&b, STR("s"), STR("p"));
	ASSERT_STR(buf_view(&b), "40{\"sid\":\"s\",\"pid\":\"p\"}");
}

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_cut_into_packets),
		cmocka_unit_test(malformed_payloads_are_refused),
		cmocka_unit_test_setup_teardown(payload_is_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(open_packet_has_five_keys, setup, teardown),
		cmocka_unit_test(session_ids_go_there_and_back),
		cmocka_unit_test_setup_teardown(good_packets_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_packets_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(deep_nesting_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_placeholders_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_are_written, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
