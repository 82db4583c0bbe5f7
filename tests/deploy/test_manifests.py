"""deploy/: what is handed to an orchestrator is what it understands."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadscore import __version__
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".venv-deploy" / "bin"
RESOURCES = sorted(
    set((DEPLOY / "kubernetes").iterdir()) - {DEPLOY / "kubernetes" / "kustomization.yaml"}
)
INGRESS = DEPLOY / "ingress.yaml"  # not among them: names and certificates are each cluster's own

with_schemas = pytest.mark.skipif(
    not TOOLS.exists(), reason="`make deploy-check` installs the schemas, 190 MB, in .venv-deploy"
)


def _read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def _pods() -> dict[str, dict[str, Any]]:
    """Where a pod is described -> its specification."""
    cloud_run = dict(_read("cloudrun.yaml")["spec"]["template"]["spec"])
    # Cloud Run's own; the rest is a pod with one container, whose name may be left out.
    del cloud_run["containerConcurrency"], cloud_run["timeoutSeconds"]
    cloud_run["containers"] = [{"name": "service", **cloud_run["containers"][0]}]
    kserve = dict(_read("kserve.yaml")["spec"]["predictor"])
    del kserve["minReplicas"], kserve["maxReplicas"]
    deployment = _read("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    return {"kubernetes": deployment, "kserve": kserve, "cloudrun": cloud_run}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """File -> what the schemas say of it; one run, for reading them takes seconds."""
    folder = tmp_path_factory.mktemp("pods")
    for where, spec in _pods().items():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": where}, "spec": spec}
        (folder / f"{where}.yaml").write_text(json.dumps(pod))
        (folder / f"{where}-misspelt.yaml").write_text(json.dumps(pod).replace("httpGet", "httpget"))
    files = [*RESOURCES, INGRESS, *folder.iterdir()]
    check = [str(TOOLS / "kubernetes-validate"), "--strict", *map(str, files)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    lines = [line.split(maxsplit=2) for line in (done.stdout + done.stderr).splitlines()]
    return {Path(path).name: verdict for _, path, verdict in lines}


@with_schemas
def test_compose_file_is_one() -> None:
    """It is valid by the schema of the Compose specification."""
    check = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    check.append(str(DEPLOY / "compose.yaml"))
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@with_schemas
@pytest.mark.parametrize("path", [*RESOURCES, INGRESS], ids=lambda path: path.stem)
def test_kubernetes_resource_is_one(verdicts: dict[str, str], path: Path) -> None:
    """It is valid by the schema of its kind, without a field of our own invention."""
    assert verdicts[path.name].startswith("passed")


@with_schemas
@pytest.mark.parametrize("where", ["kubernetes", "kserve", "cloudrun"])
def test_pod_inside_another_kind_is_one(verdicts: dict[str, str], where: str) -> None:
    """KServe and Cloud Run publish no such schema, but what they run is a pod; a typing error shows."""
    assert verdicts[f"{where}.yaml"].startswith("passed")
    assert "'httpget' was unexpected" in verdicts[f"{where}-misspelt.yaml"]


def test_kustomization_leaves_nothing_out() -> None:
    """Every file beside it is applied, and every name it replaces is there."""
    kustomization = _read("kubernetes/kustomization.yaml")
    assert sorted(kustomization["resources"]) == [path.name for path in RESOURCES]
    (container,) = _pods()["kubernetes"]["containers"]
    assert [image["name"] for image in kustomization["images"]] == [container["image"]]
    generated = [entry["name"] for entry in kustomization["configMapGenerator"]]
    assert generated == [entry["configMapRef"]["name"] for entry in container["envFrom"]]


def test_ingress_leads_to_the_service() -> None:
    """By the name and the port that kubernetes/service.yaml gives it."""
    (rule,) = _read("ingress.yaml")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    service = _read("kubernetes/service.yaml")
    backend = path["backend"]["service"]
    assert backend["name"] == service["metadata"]["name"]
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("where", ["kubernetes", "kserve", "cloudrun"])
def test_probes_ask_routes_that_exist(where: str) -> None:
    """Readiness asks for the model, liveness for the process, on the port that the image exposes."""
    (container,) = _pods()[where]["containers"]
    (port,) = container["ports"]
    assert f"EXPOSE {port['containerPort']}\n" in (ROOT / "Dockerfile").read_text()
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert probes.pop("livenessProbe")["path"] == "/health"
    assert {probe["path"] for probe in probes.values()} == {"/ready"}
    assert all(probe["port"] in {"http", port["containerPort"]} for probe in probes.values())


@pytest.mark.parametrize("where", ["kubernetes", "kserve"])
def test_pod_asks_for_no_privilege(where: str) -> None:
    """What the restricted Pod Security Standard wants, and a read-only root."""
    pod = _pods()[where]
    (container,) = pod["containers"]
    context = {**pod.get("securityContext", {}), **container["securityContext"]}
    assert context["runAsNonRoot"]
    assert context["readOnlyRootFilesystem"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False


def test_nothing_is_deployed_without_a_key() -> None:
    """The image asks for one, every file here hands it one, and none of them tells it not to ask."""
    assert "LEADSCORE_REQUIRE_KEY=1" in (ROOT / "Dockerfile").read_text()
    for path in DEPLOY.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "LEADSCORE_REQUIRE_KEY" not in text
    assert _read("compose.yaml")["services"]["lead-conversion"]["environment"] == ["LEADSCORE_API_KEYS"]
    (settings,) = _read("kubernetes/kustomization.yaml")["configMapGenerator"]
    assert settings["literals"] == ["LEADSCORE_API_KEYS_FILE=/run/keys/api-keys"]
    for where in ("kserve", "cloudrun"):
        (container,) = _pods()[where]["containers"]
        assert "LEADSCORE_API_KEYS" in [entry["name"] for entry in container["env"]]


def test_version_is_that_of_the_project() -> None:
    """Every file deploys the version beside it."""
    assert _read("kubernetes/kustomization.yaml")["images"][0]["newTag"] == __version__
    for where in ("kserve", "cloudrun"):
        assert _pods()[where]["containers"][0]["image"].endswith(f"/lead-conversion:{__version__}")
