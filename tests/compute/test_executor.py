"""The executor: values, order, errors, lost workers, progress, cancellation, and nothing left behind."""

import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from tests.compute import sample_tasks as tasks
from varme.compute import Executor, Progress, in_order
from varme.ground.errors import DataError, InputError, RunError

ROOT = Path(__file__).parents[2]
HERE_AND_IN_WORKERS = pytest.mark.parametrize("jobs", [1, 2], ids=["inline", "workers"])


def state_of(pid):
    """Return the process's state (``Z`` for a zombie), or nothing if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def gone(pid, *, orphan=False, patience_s=10.0):
    """Return whether the process ends in time; an orphan may stay a zombie, which is not ours to reap."""
    end = time.monotonic() + patience_s
    while state_of(pid) not in ({"", "Z"} if orphan else {""}):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def code_of(result):
    assert isinstance(result.error, RunError)
    return result.error.problems[0].code


# ------------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_values_are_the_same_for_any_number_of_jobs(jobs):
    with Executor(jobs) as executor:
        assert in_order(executor.map(tasks.double, range(40))) == [2 * x for x in range(40)]


@HERE_AND_IN_WORKERS
def test_each_task_gives_one_result_with_its_label(jobs):
    with Executor(jobs) as executor:
        results = sorted(executor.map(tasks.double, [5, 6], labels=["five", "six"]), key=lambda r: r.index)
    assert [(r.index, r.label, r.value, r.attempts, r.ok) for r in results] == [
        (0, "five", 10, 1, True),
        (1, "six", 12, 1, True),
    ]
    assert all(r.seconds >= 0 and r.traceback_text == "" for r in results)


def test_results_come_in_the_order_of_their_ends(tmp_path):
    """Task 0 ends only after task 1's result was seen: an executor that keeps task order would never get there."""
    gate = tmp_path / "gate"
    seen = []
    with Executor(2) as executor:
        for result in executor.map(tasks.wait_if_given, [str(gate), ""]):
            seen.append(result.index)
            gate.touch()
    assert seen == [1, 0]


@HERE_AND_IN_WORKERS
def test_no_tasks_give_no_results(jobs):
    with Executor(jobs) as executor:
        assert list(executor.map(tasks.double, [])) == []
        assert executor.pids == ()


@HERE_AND_IN_WORKERS
def test_a_task_gets_a_copy_of_its_argument(jobs):
    values = [1, 2]
    with Executor(jobs) as executor:
        assert in_order(executor.map(tasks.spoil, [values, values])) == [3, 3]
    assert values == [1, 2]


def test_large_arguments_and_values_travel():
    """More than a pipe's buffer in both directions, more tasks than workers: nobody blocks."""
    blocks = [bytes([i]) * 3_000_000 for i in range(6)]
    with Executor(2) as executor:
        assert in_order(executor.map(tasks.double, blocks)) == [2 * block for block in blocks]


def test_one_job_runs_here_unless_told_otherwise():
    with Executor(1) as here, Executor(1, inline=False) as there:
        assert in_order(here.map(tasks.pid, [None])) == [os.getpid()]
        assert in_order(there.map(tasks.pid, [None])) != [os.getpid()]


def test_workers_serve_several_maps():
    with Executor(1, inline=False) as executor:
        first = in_order(executor.map(tasks.pid, [None]))
        second = in_order(executor.map(tasks.pid, [None, None]))
        assert executor.pids == tuple(first)
    assert second == first * 2


def test_workers_hold_numerical_libraries_to_one_thread():
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    with Executor(2) as executor:
        assert in_order(executor.map(tasks.environment, [names])) == [dict.fromkeys(names, "1")]


def test_a_worker_loads_no_numerical_library_before_its_threads_are_set():
    code = (
        "import sys, varme.compute; print(sorted({'numpy', 'scipy', 'highspy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------------------ errors


@HERE_AND_IN_WORKERS
def test_an_exception_comes_back_typed_with_its_traceback(jobs):
    with Executor(jobs) as executor:
        bad, good = sorted(executor.map(tasks.fail, ["typed", "fine"]), key=lambda r: r.index)
    assert good.get() == "fine"
    assert type(bad.error) is tasks.WrongTideError
    assert "sample_tasks.py" in bad.traceback_text
    assert "the tide is out" in bad.traceback_text
    with pytest.raises(tasks.WrongTideError, match="the tide is out") as caught:
        bad.get()
    assert "raised in task 1" in caught.value.__notes__[0]


@HERE_AND_IN_WORKERS
def test_an_error_of_varme_keeps_its_problems(jobs):
    with Executor(jobs) as executor:
        (result,) = executor.map(tasks.fail, ["varme"])
    assert isinstance(result.error, DataError)
    assert [(p.code, p.where) for p in result.error.problems] == [("P203", "demand.csv: row 7")]


@HERE_AND_IN_WORKERS
def test_a_task_that_calls_exit_fails_alone(jobs):
    with Executor(jobs) as executor:
        bad, good = sorted(executor.map(tasks.fail, ["exit", "fine"]), key=lambda r: r.index)
    assert code_of(bad) == "P507"
    assert "SystemExit(4)" in str(bad.error)
    assert good.get() == "fine"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("unreadable", "UnreadableError: first"), ("value", "the task's value cannot be sent")],
)
def test_what_cannot_travel_is_said(kind, text):
    with Executor(2) as executor:
        (result,) = executor.map(tasks.fail, [kind])
    assert code_of(result) == "P507"
    assert text in str(result.error)
    assert result.traceback_text


@HERE_AND_IN_WORKERS
def test_an_argument_that_cannot_travel_fails_alone(jobs):
    with Executor(jobs) as executor:
        bad, good = sorted(executor.map(tasks.double, [threading.Lock(), 4]), key=lambda r: r.index)
    assert code_of(bad) == "P507"
    assert "cannot be sent" in str(bad.error)
    assert good.get() == 8


@HERE_AND_IN_WORKERS
def test_a_function_that_workers_cannot_find_is_refused(jobs):
    local = type("local", (), {"__module__": "__main__", "__call__": lambda self, x: x})()
    with Executor(jobs) as executor:
        with pytest.raises(InputError, match=r"P102 function = .*lambda"):
            executor.map(lambda x: x, [1])
        with pytest.raises(InputError, match="script that is running"):
            executor.map(functools.partial(local), [1])


@HERE_AND_IN_WORKERS
def test_in_order_raises_the_first_failure_and_names_the_others(jobs):
    with Executor(jobs) as executor, pytest.raises(tasks.WrongTideError) as caught:
        in_order(executor.map(tasks.fail, ["fine", "typed", "varme"], labels=["a", "b", "c"]))
    assert "2 tasks failed: b, c" in caught.value.__notes__


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="P101 jobs = 0"):
        Executor(0)
    with pytest.raises(InputError, match="P101 retries = -1"):
        Executor(2, retries=-1)
    with pytest.raises(InputError, match="P108 labels = 1 labels: one label per task"):
        Executor(1).map(tasks.double, [1, 2], labels=["one"])


def test_two_maps_at_once_are_refused():
    with Executor(1) as executor:
        first = executor.map(tasks.double, [1, 2])
        assert next(first).value == 2
        with pytest.raises(RuntimeError, match="already runs a map"):
            next(executor.map(tasks.double, [3]))
        assert [result.value for result in first] == [4]


# ------------------------------------------------------------------------------------------------ lost workers


def test_a_worker_killed_in_mid_task_is_replaced_and_its_task_begins_anew():
    """kill -9 from outside, in mid-task: with the standard pool every other task would fail too."""
    killed = []

    def kill_first_attempt(told):
        if told.attempt == 1 and "pid" in told.info:
            killed.append(told.info["pid"])
            os.kill(told.info["pid"], signal.SIGKILL)
        elif told.attempt == 2:
            executor.cancel()

    with Executor(2) as executor:
        (result,) = executor.map(tasks.hang, ["x"], on_progress=kill_first_attempt)
        assert gone(killed[0])
    assert len(killed) == 1
    assert result.attempts == 2
    assert code_of(result) == "P506"


def test_other_tasks_do_not_notice_a_lost_worker(tmp_path):
    markers = ["", str(tmp_path / "died"), "", "", ""]
    with Executor(2) as executor:
        results = sorted(executor.map(tasks.die_once, markers), key=lambda r: r.index)
    assert [result.ok for result in results] == [True] * 5
    assert [result.attempts for result in results] == [1, 2, 1, 1, 1]


@pytest.mark.parametrize(("how", "text"), [("kill", "SIGKILL"), ("exit", "exit code 3")])
def test_a_task_that_loses_its_worker_too_often_is_given_up(how, text):
    with Executor(2) as executor:
        results = sorted(executor.map(tasks.die, ["a", how, "b", "c"]), key=lambda r: r.index)
    assert [result.value for result in results] == ["a", None, "b", "c"]
    assert code_of(results[1]) == "P504"
    assert results[1].attempts == 3
    assert "task 2" in str(results[1].error)
    assert "3 times in a row" in str(results[1].error)
    assert text in str(results[1].error)


def test_no_retries_if_so_told():
    with Executor(2, retries=0) as executor:
        (result,) = executor.map(tasks.die, ["exit"])
    assert (result.attempts, code_of(result)) == (1, "P504")


def test_a_worker_killed_while_idle_is_replaced():
    with Executor(1, inline=False) as executor:
        (first,) = in_order(executor.map(tasks.pid, [None]))
        os.kill(first, signal.SIGKILL)
        (result,) = executor.map(tasks.pid, [None])
    assert result.ok
    assert result.value != first


def test_workers_that_never_start_end_the_map():
    with (
        Executor(2, initializer=functools.partial(os._exit, 7)) as executor,
        pytest.raises(RunError, match=r"P504 worker processes = exit code 7: .* before they can take a task"),
    ):
        list(executor.map(tasks.double, [1, 2, 3]))


# -------------------------------------------------------------------------------------------------- initializer


def test_the_initializer_runs_once_in_each_worker():
    with Executor(1, inline=False, initializer=tasks.mark_environment) as executor:
        values = in_order(executor.map(tasks.environment, [["SAMPLE_INITIALIZED"]] * 3))
    assert values == [{"SAMPLE_INITIALIZED": "x"}] * 3


@HERE_AND_IN_WORKERS
def test_an_initializer_that_raises_ends_the_map(jobs):
    with (
        Executor(jobs, initializer=tasks.raise_at_start) as executor,
        pytest.raises(RunError, match=r"P507 initializer: [\s\S]*no licence"),
    ):
        list(executor.map(tasks.double, [1, 2]))


# ----------------------------------------------------------------------------------------------------- progress


@HERE_AND_IN_WORKERS
def test_progress_reaches_the_caller(jobs):
    told: list[Progress] = []
    with Executor(jobs) as executor:
        values = in_order(
            executor.map(tasks.steps, [1000, 2000], on_progress=told.append, labels=["short", "long"])
        )
    assert values == [1000, 2000]
    for index, label, total in [(0, "short", 1000), (1, "long", 2000)]:
        mine = [message for message in told if message.index == index]
        assert [message.done for message in mine] == sorted({message.done for message in mine})
        assert (mine[0].done, mine[-1].done, mine[-1].total) == (0, total, total)
        assert mine[-1].info == {"stage": "dispatch", "cost_eur": 10.0 * total}
        assert (mine[-1].label, mine[-1].attempt) == (label, 1)
        assert len(mine) < 200  # messages in quick succession are dropped


def test_progress_outside_a_task_does_nothing():
    assert tasks.steps(3) == 3


# ------------------------------------------------------------------------------------------------- cancellation


@HERE_AND_IN_WORKERS
def test_cancel_ends_what_runs_and_what_waits(jobs):
    """Every task still gives its one result: the first ones an end in mid-task, the last one no start at all."""
    with Executor(jobs) as executor:
        results = list(executor.map(tasks.hang, ["a", "b", "c"], on_progress=lambda told: executor.cancel()))
        assert executor.is_cancelled
        assert executor.pids == ()
        later = list(executor.map(tasks.double, [1]))
    assert sorted(result.index for result in results) == [0, 1, 2]
    assert {code_of(result) for result in [*results, *later]} == {"P506"}
    assert results[-1].attempts == 0


def test_cancel_from_another_thread():
    with Executor(2) as executor:
        timer = threading.Timer(0.5, executor.cancel)
        timer.start()
        results = list(executor.map(tasks.hang, ["a", "b", "c"]))
        timer.join()
    assert [code_of(result) for result in results] == ["P506"] * 3


def test_results_before_the_cancellation_are_kept(tmp_path):
    results = []
    with Executor(2) as executor:
        for result in executor.map(
            tasks.wait_if_given, ["", str(tmp_path / "never"), str(tmp_path / "never")]
        ):
            results.append(result)
            executor.cancel()
    assert results[0].value == ""
    assert [code_of(result) for result in results[1:]] == ["P506", "P506"]


# ---------------------------------------------------------------------------------------- nothing is left behind


def test_closing_leaves_no_process_and_no_zombie():
    with Executor(2) as executor:
        pids = set(in_order(executor.map(tasks.pid, range(8)))) | set(executor.pids)
    assert [state_of(pid) for pid in pids] == [""] * len(pids)


class Pair:
    """Two tasks: one that ends as soon as the other runs, which then never ends by itself."""

    def __init__(self, folder):
        self.gate = folder / "gate"
        self.hanging = 0

    def start(self, executor):
        return executor.map(tasks.hang_or_wait, ["", str(self.gate)], on_progress=self.tell)

    def tell(self, told):
        if "pid" in told.info:
            self.hanging = told.info["pid"]
            self.gate.touch()


def test_leaving_the_iteration_early_ends_its_tasks(tmp_path):
    pair = Pair(tmp_path)
    with Executor(2) as executor:
        for result in pair.start(executor):
            assert result.index == 1
            break
        assert gone(pair.hanging)
        assert pair.hanging not in executor.pids
        assert in_order(executor.map(tasks.double, [1, 2, 3])) == [2, 4, 6]


def test_an_error_in_the_block_ends_running_tasks(tmp_path):
    pair = Pair(tmp_path)

    def stumble():
        with Executor(2) as executor:
            for result in pair.start(executor):
                raise ZeroDivisionError(result.label)

    with pytest.raises(ZeroDivisionError, match="task 2"):
        stumble()
    assert gone(pair.hanging)


def start_script(tmp_path, body):
    """Start a script without a ``__main__`` guard, in a process group of its own."""
    script = tmp_path / "script.py"
    head = "from tests.compute import sample_tasks as tasks\nfrom varme.compute import Executor, in_order\n"
    script.write_text(head + textwrap.dedent(body))
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


HANGING_SCRIPT = """
    def tell(told):
        if "pid" in told.info:
            print(told.info["pid"], flush=True)

    with Executor(2) as executor:
        list(executor.map(tasks.hang, range(4), on_progress=tell))
    """


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "parent-only"])
def test_ctrl_c_ends_the_workers_and_is_raised_again(tmp_path, whole_group):
    """A terminal sends Ctrl-C to parent and workers alike: the workers leave it to the parent and print nothing."""
    process = start_script(tmp_path, HANGING_SCRIPT)
    pids = [int(process.stdout.readline()) for _ in range(2)]
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert errors.strip().endswith("KeyboardInterrupt")
    assert all(gone(pid) for pid in pids)


def test_workers_end_when_their_parent_is_killed(tmp_path):
    process = start_script(tmp_path, HANGING_SCRIPT)
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.communicate(timeout=30)
    assert all(gone(pid, orphan=True) for pid in pids)


def test_a_script_needs_no_main_guard(tmp_path):
    """Spawned processes import the main script again; here they must not, or this one would start itself anew."""
    process = start_script(
        tmp_path,
        """
        print("once")
        with Executor(2) as executor:
            print(in_order(executor.map(tasks.double, [1, 2, 3])))
        """,
    )
    output, errors = process.communicate(timeout=60)
    assert (output, errors, process.returncode) == ("once\n[2, 4, 6]\n", "", 0)
