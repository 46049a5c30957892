"""Failures of the SDK as kinds of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors

from escalator.errors import AuthenticationError, SiteError, UnreachableError

SERVER_FAULT = 500


def translated(act: Callable[[], Any], what: str) -> Any:
    """``act()``, its failures as kinds of ours."""
    try:
        return act()
    except (auth_errors.Unauthorized, auth_errors.MissingRequiredOptions, sdk_errors.ForbiddenException) as error:
        raise AuthenticationError(f"cloud: {what}: {error}") from error
    except (auth_errors.ConnectFailure, auth_errors.DiscoveryFailure, auth_errors.EndpointNotFound) as error:
        raise UnreachableError(f"cloud: {what}: {error}") from error
    except sdk_errors.HttpException as error:
        if (error.status_code or 0) >= SERVER_FAULT:
            raise UnreachableError(f"cloud: {what}: {error}") from error
        raise SiteError(f"cloud: {what}: {error}") from error
    except auth_errors.HttpServerError as error:
        raise UnreachableError(f"cloud: {what}: {error}") from error
    except (sdk_errors.SDKException, auth_errors.ClientException) as error:
        raise SiteError(f"cloud: {what}: {error}") from error
    except (LookupError, TypeError, ValueError) as error:
        raise SiteError(f"cloud: {what}: an answer has another shape than expected: {error!r}") from error
