from django import template

from apps.runs.show import error_head

register = template.Library()

register.filter("error_head", error_head)
