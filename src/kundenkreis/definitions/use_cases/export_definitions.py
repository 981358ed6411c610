"""Write the rulebook in force as files."""

from pathlib import Path

from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.export import Exported, export_directory
from kundenkreis.definitions.publisher import Publisher


def export_definitions(directory: Path, publisher: Publisher) -> Exported:
    """Write the definitions in force, one file each; applying the directory afterwards changes nothing.

    Raises:
        ForeignFilesError: the directory holds files that would define things a second time. Nothing was written.

    Effects: writes and replaces files; removes files of an earlier export whose definition is gone.
    """
    return export_directory(definitions_from_json(publisher.in_force()), directory)
