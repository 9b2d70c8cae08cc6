import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shadowbook.core.promotion.budget import BudgetPolicy, alpha_of, left, spent, split

POLICIES = st.builds(
    BudgetPolicy,
    alpha_a_year=st.floats(0.001, 0.5),
    first_share=st.floats(0.01, 0.99),
    shadow_share=st.floats(0.01, 0.99),
)


def test_shares_by_hand():
    policy = BudgetPolicy(alpha_a_year=0.08, first_share=0.5)
    assert [alpha_of(k, policy) for k in (1, 2, 3)] == pytest.approx([0.04, 0.02, 0.01])
    assert spent(3, policy) == pytest.approx(0.07)
    assert left(3, policy) == pytest.approx(0.01)


@given(policy=POLICIES, n=st.integers(0, 200))
def test_however_many_come_the_year_is_never_overspent(policy, n):
    shares = [alpha_of(k, policy) for k in range(1, n + 1)]
    assert sum(shares) == pytest.approx(spent(n, policy), rel=1e-9, abs=1e-15)
    assert spent(n, policy) + left(n, policy) == pytest.approx(policy.alpha_a_year)
    assert sum(shares) <= policy.alpha_a_year * (1.0 + 1e-12)
    assert shares == sorted(shares, reverse=True)


@given(policy=POLICIES, alpha=st.floats(1e-6, 0.5))
def test_history_and_shadow_share_what_one_challenger_has(policy, alpha):
    parts = split(alpha, policy)
    assert parts.history + parts.shadow == pytest.approx(alpha)
    assert parts.shadow == pytest.approx(policy.shadow_share * alpha)
    assert min(parts) > 0.0


def test_wrong_counts_and_settings_are_refused():
    policy = BudgetPolicy()
    with pytest.raises(ValueError, match="position of 0"):
        alpha_of(0, policy)
    for function in (spent, left):
        with pytest.raises(ValueError, match="-1 challengers"):
            function(-1, policy)
    for wrong in ({"alpha_a_year": 0.0}, {"first_share": 1.0}, {"shadow_share": 0.0}, {"alpha": 1}):
        with pytest.raises(ValidationError):
            BudgetPolicy(**wrong)
