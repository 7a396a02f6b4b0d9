"""Ask an index of advisories about every installed package, and say so where none can be had.

`pip-audit` alone calls it "no known vulnerabilities" when it could ask about no package at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = ("-m", "pip_audit", "--skip-editable", "--progress-spinner=off", "--timeout=10")


def main() -> int:
    """Print one line a fault, and one that sums up; return 1 where a package has advisories."""
    run = subprocess.run(
        [sys.executable, *COMMAND, "--format=json"], check=False, capture_output=True, text=True
    )
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except ValueError:
        packages = []
    said, code = summary(packages)
    print(said)
    return code


def summary(packages: list[dict[str, Any]]) -> tuple[str, int]:
    """Return what to say of the answer, and the exit code."""
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        return (
            (
                "advisories: no index of advisories answered, so nothing is known of any of the"
                f" {len(packages)} packages. Try again where pypi.org or osv.dev can be reached."
            ),
            0,
        )
    faults = [
        f"{package['name']} {package['version']}: {fault['id']},"
        f" mended in {', '.join(fault['fix_versions']) or 'no release'}"
        for package in asked
        for fault in package["vulns"]
    ]
    of = f"{len(asked)} of {len(packages)} packages looked up"
    return "\n".join([*faults, f"advisories: {len(faults)}; {of}"]), int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
