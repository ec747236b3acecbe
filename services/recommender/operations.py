"""All that the recommender service can be asked to change."""

from chassis.book import registry
from services.book import Adopt, Forget, Together
from services.recommender import attribution, outcomes, profiles, promoting, recommending, versions

OPERATIONS = registry(
    (
        Adopt(),
        Forget(),
        Together(profiles.SeenActivity, profiles.SeeActivity(), attribution.SeeActivity()),
        profiles.SeeTier(),
        recommending.Recommend(),
        outcomes.Record(),
        outcomes.Default(),
        attribution.LockDecision(),
        attribution.SeeRedemption(),
        attribution.SeeMission(),
        versions.Keep(),
        versions.Restore(),
        promoting.Create(),
        promoting.Promote(),
    )
)
