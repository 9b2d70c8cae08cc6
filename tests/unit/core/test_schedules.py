"""Cron texts: what is read, what is refused, and that Prefect reads them alike."""

import pytest
from pydantic import ValidationError

from shadowbook.core.schedules import SchedulePolicy, check_cron

READ = [
    "* * * * *",
    "30 16 * * 1-5",
    "*/5 9-16 * * MON-FRI",
    "0 9 1,15 * *",
    "5/10 * * jan-Mar sun",
    "0 0 29 2 *",
    "0 0 * * 7",
    "0 0 31 4 1",  # the 31st of April or any Monday
    "59 23 31 12 0-7",
    "  0   0 * * *  ",
]


@pytest.mark.parametrize("text", READ)
def test_what_can_be_read(text):
    assert SchedulePolicy(cron=text).cron == text


@pytest.mark.parametrize("text", READ)
def test_prefect_reads_it_too(text):
    from prefect.client.schemas.schedules import CronSchedule

    assert CronSchedule(cron=text).cron == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be five fields .* not 0"),
        ("30 16 * *", "must be five fields .* such as '30 16 \\* \\* 1-5', not 4"),
        ("0 30 16 * * 1-5", "not 6"),
        ("@daily", "not 1"),
        ("60 * * * *", "the minute '60' must lie within 0 to 59"),
        ("0 24 * * *", "the hour '24' must lie within 0 to 23"),
        ("0 0 0 * *", "the day of month '0' must lie within 1 to 31"),
        ("0 0 * 13 *", "the month '13' must lie within 1 to 12"),
        ("0 0 * * 8", "the day of week '8' must lie within 0 to 7"),
        ("0 0 * * MONDAY", "the day of week 'MONDAY' must lie"),
        ("0 0 * MON *", "the month 'MON' must lie"),
        ("0 0 * * FRI-MON", "the day of week 'FRI-MON' must begin before it ends"),
        ("*/0 * * * *", "the minute '\\*/0' must have a step of 1 to 59"),
        ("*/60 * * * *", "must have a step of 1 to 59"),
        ("1- * * * *", "the minute '1-' must be \\*, a number"),
        ("1,,2 * * * *", "the minute '' must be"),
        ("-1 * * * *", "the minute '-1' must be"),
        ("1.5 * * * *", "must be"),
        ("0 0 L * *", "the day of month 'L' must lie"),
        ("0 0 * * 5#2", "must be"),
        ("\u0663 * * * *", "must be"),
        ("0 0 30 2 *", "must come true at some time"),
        ("0 0 31 4,6,9,11 *", "must come true at some time"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        check_cron(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patience_minutes", -1),
        ("patience_minutes", 2881),
        ("patience_minutes", float("nan")),
        ("poll_seconds", 0.5),
        ("poll_seconds", 3601),
        ("cron", 30),
        ("day", "x"),
    ],
)
def test_other_impossible_values_are_refused(key, value):
    with pytest.raises(ValidationError):
        SchedulePolicy(**{"cron": "* * * * *", key: value})
