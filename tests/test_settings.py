"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from leadscore.settings import Settings, SettingsError


def test_environment_overrides_defaults_and_nothing_else() -> None:
    """Variables of other programs do not matter."""
    found = Settings.from_environment(
        {"LEADSCORE_PORT": "9000", "LEADSCORE_MODEL": "m.onnx", "PORT": "1"}
    )
    assert found == Settings(port=9000, model=Path("m.onnx"))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("LEADSCORE_PORT", "http", "a whole number"),
        ("LEADSCORE_PORT", "-1", "expected 0 to 65535"),
        ("LEADSCORE_WORKERS", "0", "expected 1 to 1000"),
        ("LEADSCORE_MAX_TEXT", "1.5", "a whole number"),
        ("LEADSCORE_HOST", " ", "empty"),
        ("LEADSCORE_MAX_BATCH", "", "empty"),
        ("LEADSCORE_TIMEOUT", "soon", "a number"),
        ("LEADSCORE_REQUIRE_KEY", "maybe", "expected 1 or 0"),
        ("LEADSCORE_API_KEYS", ",", "values separated by commas"),
    ],
)
def test_wrong_setting_is_named(key: str, value: str, expected: str) -> None:
    """The message holds the variable, and what it should be."""
    with pytest.raises(SettingsError, match=expected) as caught:
        Settings.from_environment({key: value})
    assert str(caught.value).startswith(f"{key}: ")


def test_setting_that_does_not_exist_is_refused() -> None:
    """A mistyped variable would leave a limit or a key unset: the nearest one is named."""
    with pytest.raises(SettingsError, match="did you mean LEADSCORE_REQUIRE_KEY") as caught:
        Settings.from_environment({"LEADSCORE_REQUIRE_KEYS": "1"})
    assert "LEADSCORE_REQUIRE_KEYS: " in str(caught.value)
