"""The addresses in the package's metadata, from the settings of whoever publishes it.

``REPOSITORY_URL`` is where the sources are, ``DOCS_URL`` where the site is; a build without them
names no address.
"""

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Addresses(MetadataHookInterface):
    """Fills in ``project.urls`` (hatchling calls it when it builds)."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        site = os.environ.get("DOCS_URL", "").rstrip("/")
        urls = {
            "Documentation": site and f"{site}/",
            "Source": repository,
            "Issues": repository and f"{repository}/issues",
            "Changelog": site and f"{site}/changelog.html",
        }
        metadata["urls"] = {name: url for name, url in urls.items() if url}
