"""What content can be refused for."""

from kundenkreis.content.core.source import Problem
from kundenkreis.kernel.errors import CallerError


class ContentRefusedError(CallerError):
    """This content cannot be published as it is; each problem names its place and its remedy."""

    code = "content_refused"

    def __init__(self, content_id: str, problems: tuple[Problem, ...]) -> None:
        lines = "\n".join(problem.sentence() for problem in problems)
        super().__init__(f"Content {content_id!r} cannot be published:\n{lines}", content_id=content_id)
        self.problems = problems
