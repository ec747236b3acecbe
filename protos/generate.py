"""Generates the Python code of the contract into `protos/gen/`.

`python protos/generate.py` writes it; `--check` exits 1 when what is committed
differs from what the protos say; `--descriptors FILE` writes the descriptor
set with its comments instead, which buf and the OpenAPI generator read.
"""

import argparse
import filecmp
import os
import shutil
import sys
import tempfile
from pathlib import Path

import google.api
from grpc_tools import _protoc_compiler, protoc  # type: ignore[import-untyped]

PROTOS = Path(__file__).resolve().parent
GENERATED = PROTOS / "gen"
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"
GOOGLE_APIS = Path(next(iter(google.api.__path__))).parent.parent


def compile_protos(*arguments: str, protos: Path = PROTOS) -> None:
    sources = sorted(str(path.relative_to(protos)) for path in protos.glob("laurels/**/*.proto"))
    # protoc finds its plugins beside this interpreter, activated or not.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = ["protoc", f"-I{protos}", f"-I{GOOGLE_APIS}", f"-I{WELL_KNOWN}", *arguments, *sources]
    if _protoc_compiler.run_main([part.encode() for part in command]) != 0:
        sys.exit("protoc refused the protos")


def write_descriptors(target: Path, protos: Path = PROTOS) -> None:
    """Writes a FileDescriptorSet with imports and comments; of other protos than ours for a comparison."""
    target.parent.mkdir(parents=True, exist_ok=True)
    compile_protos(f"--descriptor_set_out={target}", "--include_imports", "--include_source_info", protos=protos)


def generate(target: Path) -> None:
    """Writes messages, services, their type stubs and package markers."""
    compile_protos(
        f"--python_out={target}",
        f"--pyi_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_grpc_out=quiet:{target}",
    )
    for folder in [target / "laurels", *(path for path in (target / "laurels").glob("**") if path.is_dir())]:
        (folder / "__init__.py").touch()


def differences(fresh: Path, committed: Path) -> list[str]:
    names = {
        path.relative_to(root)
        for root in (fresh, committed)
        for path in root.glob("laurels/**/*.py*")
        if path.suffix != ".pyc"
    }
    return [str(n) for n in sorted(names) if not _same(fresh / n, committed / n)]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--descriptors", type=Path)
    parser.add_argument("--protos", type=Path, default=PROTOS, help="with --descriptors, other protos than these")
    options = parser.parse_args()
    if options.descriptors:
        write_descriptors(options.descriptors, options.protos)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        if options.check:
            if different := differences(Path(folder), GENERATED):
                sys.exit("Generated code differs from the protos; run `make protos`:\n" + "\n".join(different))
            return
        shutil.rmtree(GENERATED / "laurels", ignore_errors=True)
        shutil.copytree(Path(folder) / "laurels", GENERATED / "laurels")


if __name__ == "__main__":
    main()
