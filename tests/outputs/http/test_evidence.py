"""Evidence over HTTP: the list, a page at a time, and one order's file as it is, whole however long."""

from tests.outputs.farm import KEY, serving

PATH = "/api/v1/evidence"


async def test_the_orders_of_which_there_is_a_record_are_listed_by_pages_with_the_key_that_signs():
    async with serving() as client:
        client.desk.records = {f"o{n}": [b"{}\n"] * 5 for n in range(3)}
        _, first = await client.ask("GET", f"{PATH}?limit=2", role="viewer")
        assert [item["order"] for item in first["items"]] == ["o0", "o1"]
        assert first["items"][0] == {
            "order": "o0", "links": 3, "head": "ab" * 32, "covered": True,
            "since": "2027-01-15T12:00:00.000Z", "until": "2027-01-15T12:00:00.000Z",
        }  # fmt: skip
        assert (first["next"], first["key"], first["site_head"]) == ("o1", KEY.public.text, None)
        _, rest = await client.ask("GET", f"{PATH}?limit=2&cursor=o1", role="viewer")
        assert ([item["order"] for item in rest["items"]], rest["next"]) == (["o2"], None)


async def test_an_export_comes_as_it_is_in_its_own_type():
    async with serving() as client:
        lines = [b'{"n":%d,"text":"%s"}\n' % (n, b"x" * 5000) for n in range(100)]
        client.desk.records = {"o1": lines}
        async with client.session.get(f"{client.base}{PATH}/o1") as answer:
            assert answer.content_type == "application/x-ndjson"
            assert await answer.read() == b"".join(lines)


async def test_an_order_without_a_record_is_a_problem_that_says_so():
    async with serving() as client:
        status, said = await client.ask("GET", f"{PATH}/o9")
        assert (status, said["detail"]) == (404, "there is no evidence of order o9")
