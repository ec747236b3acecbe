"""The RPCs of quizzes and surveys. What is right stays in the programme."""

from datetime import UTC, datetime
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.write_path import WritePath
from laurels.missions.v1 import programme_quizzes_pb2, quizzes_pb2_grpc
from laurels.missions.v1 import quizzes_pb2 as pb
from services.missions import quiz_rules
from services.missions.programme import MissionsRules
from services.missions.quizzes import AnswerAsked, StartAsked, UnknownAttempt, UnknownQuiz, shown
from services.missions.store import quizzes as rows
from services.missions.store import tallies
from services.missions.store.quizzes import Attempt, Record


class QuizzesServicer(quizzes_pb2_grpc.QuizzesServiceServicer):
    """Quizzes and surveys."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListQuizzes(self, request: pb.ListQuizzesRequest, context: Any) -> pb.ListQuizzesResponse:
        brand, member = caller().brand, _member(request.member)
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            records = await rows.records_of(connection, brand, member)
        return pb.ListQuizzesResponse(
            quizzes=[
                _standing(quiz, records.get(quiz.id) or Record(member, quiz.id)) for quiz in rules.quizzes.values()
            ]
        )

    async def StartQuiz(self, request: pb.StartQuizRequest, context: Any) -> pb.StartQuizResponse:
        brand = caller().brand
        _member(request.member)
        async with self._database.reading(brand) as connection:
            version, _ = await self._programmes.newest(connection, brand)
        name: str = await self._write_path.submit(brand, StartAsked(request, version, datetime.now(UTC)))
        return pb.StartQuizResponse(attempt=await self._shown(brand, request.member, name))

    async def AnswerQuestion(self, request: pb.AnswerQuestionRequest, context: Any) -> pb.AnswerQuestionResponse:
        brand = caller().brand
        for field in ("attempt", "question"):
            if not IDENTIFIER.fullmatch(getattr(request, field)):
                raise InvalidArgument.of([FieldViolation(field, "is not an id")])
        attempt = await self._attempt(brand, request.member, request.attempt)
        asked = AnswerAsked(request, attempt, datetime.now(UTC))
        answer: pb.AnswerQuestionResponse = await self._write_path.submit(brand, asked)
        return answer

    async def GetAttempt(self, request: pb.GetAttemptRequest, context: Any) -> pb.GetAttemptResponse:
        return pb.GetAttemptResponse(attempt=await self._shown(caller().brand, request.member, request.attempt))

    async def GetSurveyReport(self, request: pb.GetSurveyReportRequest, context: Any) -> pb.GetSurveyReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            quiz = rules.quizzes.get(request.quiz)
            if quiz is None:
                raise UnknownQuiz(request.quiz)
            questions = [f"answers:{quiz.id}:{question.id}" for question in quiz.questions]
            choices = [
                f"choice:{quiz.id}:{question.id}:{choice.id}"
                for question in quiz.questions
                for choice in question.choices
            ]
            counts = await tallies.read(connection, brand, [f"quiz:{quiz.id}", *questions, *choices])
        answer = pb.GetSurveyReportResponse(quiz=quiz.id, finished=counts.get(f"quiz:{quiz.id}", 0))
        for question in quiz.questions:
            of_question = answer.questions.add(
                question=question.id,
                text=question.text,
                answers=counts.get(f"answers:{quiz.id}:{question.id}", 0),
            )
            for choice in question.choices:
                times = counts.get(f"choice:{quiz.id}:{question.id}:{choice.id}", 0)
                of_question.choices.add(choice=choice.id, text=choice.text, answers=times)
        return answer

    async def _attempt(self, brand: str, member: str, name: str) -> Attempt:
        """An attempt of a member; another's is like none."""
        if not IDENTIFIER.fullmatch(name):
            raise UnknownAttempt(name)
        async with self._database.reading(brand) as connection:
            found = (await rows.attempts(connection, brand, [name])).get(name)
        if found is None or found.member != member:
            raise UnknownAttempt(name)
        return found

    async def _shown(self, brand: str, member: str, name: str) -> pb.Attempt:
        attempt = await self._attempt(brand, member, name)
        async with self._database.reading(brand) as connection:
            rules = await self._programmes.at(connection, brand, attempt.programme_version)
            given = (await rows.answers_of(connection, brand, [name])).get(name)
        return shown(rules.quizzes[attempt.quiz], attempt, given.by_question if given is not None else {})


def _standing(quiz: programme_quizzes_pb2.Quiz, record: Record) -> pb.QuizStanding:
    return pb.QuizStanding(
        quiz=quiz.id,
        name=quiz.name,
        kind=quiz.kind or programme_quizzes_pb2.QUIZ_KIND_QUIZ,
        questions=len(quiz.questions),
        attempts=record.attempts,
        attempts_max=quiz_rules.attempts_max(quiz),
        time_limit_s=quiz.time_limit_s,
        best_score=record.best_score,
        score_max=quiz_rules.score_max(quiz),
        passed=record.passed_at is not None,
        open_attempt=record.open_attempt,
    )


def _member(member: str) -> str:
    if not IDENTIFIER.fullmatch(member):
        raise NotFound(f"There is no member {member!r}.", code="unknown_member")
    return member
