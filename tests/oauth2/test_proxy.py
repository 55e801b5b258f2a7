from tollspan.oauth2.proxy import find_proxy


def test_the_environment_names_proxies_but_not_for_this_machine(monkeypatch):
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert find_proxy("https://outside.example/x") == "http://proxy.example:3128"
    assert find_proxy("https://inside.example/x") is None
    assert find_proxy("https://127.0.0.1:4318") is None
