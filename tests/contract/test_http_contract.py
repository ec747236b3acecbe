"""The HTTP face keeps the manner that clients rely on, whatever RPC is added."""

import re

import pytest

from gateway import json_codec
from gateway.contract import Method, methods
from gateway.routes import Template

HTTP = [method for method in methods() if method.bindings]
by_name = pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)


@by_name
def test_an_rpc_states_who_may_call_it(method: Method) -> None:
    assert method.rule.scopes, "a method without scopes is refused to everybody"


@by_name
def test_an_rpc_has_an_http_form(method: Method) -> None:
    if method.descriptor.client_streaming:
        assert not method.bindings, "HTTP has no stream of requests"
    else:
        assert method.bindings


@by_name
def test_paths_are_lower_case_resources_under_v1(method: Method) -> None:
    for binding in method.bindings:
        template = Template.parse(binding.template)
        assert template.segments[0] == "v1"
        for segment in template.segments:
            assert re.fullmatch(r"\{[a-z_]+\}|[a-z0-9]+([-_][a-z0-9]+)*", segment), segment


@by_name
def test_a_get_has_no_body_and_the_others_a_whole_one(method: Method) -> None:
    for binding in method.bindings:
        assert binding.body == ("" if binding.verb in ("GET", "DELETE") else "*")


@by_name
def test_a_path_names_text_fields_of_the_request(method: Method) -> None:
    for binding in method.bindings:
        for name in Template.parse(binding.template).variables:
            assert method.descriptor.input_type.fields_by_name[name].type == 9


@by_name
def test_what_is_not_in_a_gets_path_fits_its_query(method: Method) -> None:
    for binding in method.bindings:
        if binding.verb == "GET":
            in_path = Template.parse(binding.template).variables
            rest = [field for field in method.descriptor.input_type.fields if field.name not in in_path]
            assert all(json_codec.fits_query(field) for field in rest)


@by_name
def test_a_list_pages_with_the_same_three_names(method: Method) -> None:
    request, response = method.descriptor.input_type.fields_by_name, method.descriptor.output_type.fields_by_name
    stated = {"page_size", "page_token"} & set(request)
    assert stated in (set(), {"page_size", "page_token"})
    assert bool(stated) == ("next_page_token" in response)


@by_name
def test_a_method_that_demands_a_key_has_a_place_for_it(method: Method) -> None:
    if method.rule.key_required:
        assert "idempotency_key" in method.descriptor.input_type.fields_by_name


@by_name
def test_what_a_member_may_call_names_the_member_or_is_nobodys(method: Method) -> None:
    """A member's request either carries `member`, or asks for something that the service checks itself."""
    checked_by_services = {"RevealScratchCard", "RecordOutcome", "GetScratchPool", "ListBadges", "ListRewards"}
    checked_by_services |= {"ListLeaderboardEntries", "GetLeaderboardRanks", "ListLeaderboardPeriods"}
    checked_by_services |= {"ListTiers"}
    checked_by_services |= {"GetScratchCardProof", "ListScratchDraws"}
    checked_by_services |= {"ListLeaderboardEntries", "GetGroup", "ListGroupEntries"}
    checked_by_services |= {"ListCheckpoints", "GetConsistencyProof", "GetEntryProof"}
    checked_by_services |= {"ListPublicBadges", "ListTeams"}
    checked_by_services |= {"ListLeagues"}
    if "member" in method.rule.scopes:
        assert method.rule.names_member or method.descriptor.name in checked_by_services


@by_name
def test_no_request_names_a_brand(method: Method) -> None:
    assert "brand" not in method.descriptor.input_type.fields_by_name


@by_name
def test_no_type_holds_itself(method: Method) -> None:
    json_codec.compile_decoder(method.descriptor.input_type)
    json_codec.encoder(method.descriptor.output_type)
